"""Logins by OpenID Connect, from the page through a real provider and back, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import chromium
from tests.integration.test_page_robust import bright
from tests.openid_provider import CLIENT, FORGER, SECRET, openid_provider
from tests.page_server import PageServer, Person
from tests.tiny_model import repository

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@contextmanager
def _page(folder: Path, *options: object, base: str = "") -> Iterator[PageServer]:
    """A page with the logins of a provider of its own."""
    models = repository(folder / "models")
    own = ("--engine", "local", "--model-repository", models, "--workers", 1, "--free-gib", 0, "--login")
    server = PageServer(folder / "data", *own, *options, folder=folder)
    server.address += base
    redirect = f"{server.address}oauth2callback"
    with openid_provider("ann", "bob", FORGER, redirect=redirect) as provider:
        (folder / ".streamlit").mkdir()
        (folder / ".streamlit/secrets.toml").write_text(
            f'[auth]\nredirect_uri = "{redirect}"\ncookie_secret = "{"x" * 40}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{provider.issuer}/.well-known/openid-configuration"\n'
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _log_in(person: Person, name: str) -> None:
    """From the page's first view to what the provider makes of it."""
    if person.page.url == "about:blank":
        person.page.goto(person.server.address)
    person.wait_text("Log in to see your videos")
    person.page.get_by_role("button", name="Log in").click()
    person.page.get_by_role("heading", name="Who are you?").wait_for()
    person.page.get_by_role("link", name=name, exact=True).click()


def _status(person: Person, path: str) -> int:
    return int(person.page.evaluate("path => fetch(path).then(answer => answer.status)", path))


def test_people_see_their_own_in_every_browser_and_nobody_elses(browser: Any, tmp_path: Path) -> None:
    with _page(tmp_path) as server:
        ann, bob, elsewhere = (Person(browser, server) for _ in range(3))
        ann.page.goto(server.address)
        ann.wait_text("Log in to see your videos")
        assert _status(ann, "/api/uploads") == 401
        _log_in(ann, "ann")
        ann.upload(bright(tmp_path / "walk.mp4", 20))
        job = ann.start()
        ann.wait_done()
        video = str(ann.page.locator("video").get_attribute("src"))
        assert _status(ann, video) == 200

        _log_in(bob, "bob")
        bob.wait_text("Nothing here yet")
        assert _status(bob, video) == _status(bob, f"/api/jobs/{job}/download/txt") == 404
        bob.open(f"?job={job}")
        bob.wait_text("There is no such video here")

        _log_in(elsewhere, "ann")
        elsewhere.wait_text("walk.mp4")
        assert _status(elsewhere, video) == 200
        elsewhere.page.get_by_role("button", name="Log out").click()
        elsewhere.wait_text("Log in to see your videos")
        assert _status(elsewhere, video) == 401 and _status(ann, video) == 200
        _log_in(elsewhere, "bob")  # in the browser that was ann's
        elsewhere.wait_text("Nothing here yet")
        assert _status(elsewhere, video) == 404
        for person in (ann, bob, elsewhere):
            person.close()


@pytest.mark.parametrize("who", ["-", FORGER])
def test_who_does_not_get_in(browser: Any, tmp_path: Path, who: str) -> None:
    """Who breaks off at the provider, and who brings a token that it has not signed."""
    with _page(tmp_path) as server:
        person = Person(browser, server)
        _log_in(person, "nobody" if who == "-" else who)
        person.wait_text("Log in to see your videos")
        assert _status(person, "/api/uploads") == 401
        _log_in(person, "ann")  # another attempt is free
        person.wait_text("Drop videos here")
        person.close()


def test_below_a_base_path(browser: Any, tmp_path: Path) -> None:
    with _page(tmp_path, "--base-path", "/mot", base="mot/") as server:
        person = Person(browser, server)
        _log_in(person, "ann")
        person.upload(bright(tmp_path / "walk.mp4", 5))
        person.start()
        person.wait_done()
        person.close()
