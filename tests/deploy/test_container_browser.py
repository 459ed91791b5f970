"""Somebody at the page of the compose file, with a browser: a video goes in, is watched, and its rows come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import chromium
from tests.deploy.stack import Stack, events, first_rows
from tests.media import beginning
from tests.page_server import Person

pytestmark = [pytest.mark.container, pytest.mark.browser, pytest.mark.data]
COUNT = 60  # frames: the first six seconds


@dataclass
class ContainerPage:
    """The page on the port that is published."""

    stack: Stack
    address: str

    def log(self) -> str:
        return self.stack.compose("logs", "page", "worker", check=False)[-4000:]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def done(browser: Any, page: Stack, mot_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody whose upload has been tracked by the worker's container, at its result."""
    video = beginning(mot_data / "videos/vtest.avi", tmp_path_factory.mktemp("video") / "street.avi", COUNT)
    person = Person(browser, ContainerPage(page, f"http://{page.compose('port', 'page', '8501').strip()}/"))
    person.open()
    person.upload(video)
    person.start()
    person.wait_done()
    yield person
    person.close()


def test_the_result_plays(done: Person) -> None:
    shown = done.page.locator("video")
    shown.evaluate(
        "video => new Promise(done => { video.ontimeupdate = () => video.currentTime > 0.2 && done();"
        " video.muted = true; video.play() })"
    )
    assert shown.evaluate("video => [video.videoWidth, video.error]") == [768, None]
    shown.evaluate("video => new Promise(done => { video.onseeked = done; video.pause(); video.currentTime = 4.5 })")
    assert shown.evaluate("video => video.currentTime") == 4.5


def test_the_rows_that_are_downloaded_are_those_of_a_local_run(done: Person, expected: bytes) -> None:
    done.page.get_by_role("tab", name="Downloads").click()
    with done.page.expect_download() as waiting:
        done.page.locator("a[data-kind=txt]").click()
    assert waiting.value.suggested_filename.startswith("street")
    assert Path(waiting.value.path()).read_text(encoding="ascii") == first_rows(expected, COUNT)


def test_the_worker_says_so_in_a_line(done: Person, page: Stack) -> None:
    said = [event for event in events(page.logs("worker")) if event.get("message") == "job done"]
    assert said and said[-1]["frames"] == COUNT and said[-1]["job"] in done.page.url
