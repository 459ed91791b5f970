"""client.ui.web.upload_routes over HTTP: pieces, breaks, refusals, and who may do what."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from client.ui.settings import Limits
from client.ui.store.appending import UploadError
from client.ui.store.database import StoreError
from client.ui.store.people import COOKIE
from client.ui.web.checking import Checking
from client.ui.web.person import TOKEN_HEADER, PersonCookie, RefusedError
from client.ui.web.result_routes import ResultRoutes
from client.ui.web.services import Services
from client.ui.web.upload_routes import UploadRoutes, refused
from tests.client.ui.pages import page_settings, wait_for
from tests.command import walk

Served = tuple[Services, Starlette]


@contextmanager
def page(folder: Path, **changes: Any) -> Iterator[Served]:
    services = Services.open(page_settings(folder, **changes))
    checking = Checking(services)
    routes = [*UploadRoutes(services, checking).routes("/api"), *ResultRoutes(services).routes("/api")]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(PersonCookie, services=services)],
        exception_handlers=dict.fromkeys((RefusedError, UploadError, StoreError), refused),
    )
    yield services, app
    services.database.close()


class Browser:
    """One person's."""

    def __init__(self, services: Services, app: Starlette) -> None:
        self.client = TestClient(app)
        self.client.__enter__()  # one event loop, in which files are looked at
        self.client.get("/", headers={"Accept": "text/html"})
        self.cookie = self.client.cookies[COOKIE]
        self.headers = {TOKEN_HEADER: services.people.token(self.cookie)}
        self.owner = services.owner(self.cookie)

    def begin(self, name: str, size: int, stamp: str = "s") -> Any:
        values = {"name": name, "size": size, "stamp": stamp}
        return self.client.post("/api/uploads", json=values, headers=self.headers)

    def send(self, id: str, offset: int, data: bytes) -> Any:
        headers = {**self.headers, "Upload-Offset": str(offset)}
        return self.client.patch(f"/api/uploads/{id}", content=data, headers=headers)

    def upload(self, name: str, data: bytes) -> str:
        id: str = self.begin(name, len(data)).json()["id"]
        assert self.send(id, 0, data).status_code == 200
        return id

    def state(self, id: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.client.get("/api/uploads").json()
        return next(each for each in found if each["id"] == id)

    def checked(self, id: str) -> dict[str, Any]:
        wait_for(lambda: self.state(id)["state"] in ("ready", "refused"), "the look at the file")
        return self.state(id)

    def close(self) -> None:
        self.client.__exit__(None, None, None)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with page(tmp_path) as served:
        yield served


@pytest.fixture
def ann(served: Served) -> Iterator[Browser]:
    browser = Browser(*served)
    yield browser
    browser.close()


@pytest.fixture
def bob(served: Served) -> Iterator[Browser]:
    browser = Browser(*served)
    yield browser
    browser.close()


def test_in_pieces_and_gone_on_with_after_a_break(ann: Browser, served: Served, tmp_path: Path) -> None:
    data = walk(tmp_path / "walk.mp4", 20).read_bytes()
    third = len(data) // 3
    begun = ann.begin("walk.mp4", len(data))
    assert begun.status_code == 201 and begun.json()["received"] == 0
    id = begun.json()["id"]
    assert ann.send(id, 0, data[:third]).json() == {"received": third}
    lost = ann.send(id, 2 * third, data[2 * third :])
    assert lost.status_code == 409 and lost.json()["values"] == {"offset": third}
    again = ann.begin("walk.mp4", len(data))  # the page was loaded anew, the same file chosen
    assert (again.json()["id"], again.json()["received"]) == (id, third)
    assert ann.send(id, third, data[third:]).json() == {"received": len(data)}
    facts = ann.checked(id)["facts"]
    assert (facts["width"], facts["height"], facts["frames"]) == (64, 48, 20)
    upload = served[0].uploads.get(ann.owner or "", id)
    assert upload and served[0].uploads.file(upload).read_bytes() == data
    assert ann.client.get(f"/api/uploads/{id}/poster.jpg").content[:2] == b"\xff\xd8"
    assert ann.send(id, len(data), b"more").status_code == 409


def test_a_restarted_server_looks_at_what_was_complete(tmp_path: Path) -> None:
    data = walk(tmp_path / "walk.mp4", 5).read_bytes()
    with page(tmp_path) as (services, _):
        services.people.admit("a" * 64)
        owner = services.owner("a" * 64)
        assert owner
        upload = services.uploads.begin(owner, "walk.mp4", len(data), "s")
        piece = services.uploads.append(upload, 0)
        piece.write(data)
        piece.close()
        assert services.uploads.touch(upload)  # and here it is killed
    with page(tmp_path) as (services, _):
        (left,) = services.uploads.unchecked()
        assert left.id == upload.id and services.uploads.whole(left).read_bytes() == data


@pytest.mark.parametrize(
    ("name", "size", "status", "kind"),
    [
        ("a.exe", 10, 415, "kind"),
        ("a", 10, 415, "kind"),
        ("a.mp4", 0, 400, "empty"),
        ("a.mp4", 1001, 413, "too_large"),
    ],
)
def test_refused_before_a_byte_is_sent(tmp_path: Path, name: str, size: int, status: int, kind: str) -> None:
    with page(tmp_path, limits=Limits(file_bytes=1000, free_bytes=0)) as served:
        browser = Browser(*served)
        answer = browser.begin(name, size)
        assert (answer.status_code, answer.json()["kind"]) == (status, kind)
        assert list(served[0].settings.uploads.iterdir()) == []
        browser.close()


def test_refused_where_one_person_has_too_much_or_the_disk_is_full(tmp_path: Path) -> None:
    with page(tmp_path, limits=Limits(person_bytes=1500, free_bytes=0)) as served:
        browser = Browser(*served)
        assert browser.begin("a.mp4", 1000).status_code == 201
        assert browser.begin("b.mp4", 1000).json()["kind"] == "too_many"
        browser.close()
    with page(tmp_path, limits=Limits(free_bytes=1 << 60)) as served:
        browser = Browser(*served)
        answer = browser.begin("a.mp4", 1000)
        assert (answer.status_code, answer.json()["kind"]) == (507, "disk_full")
        browser.close()


def test_a_disk_that_fills_while_sending_keeps_what_has_arrived(tmp_path: Path, small_disk: Path) -> None:
    with page(tmp_path) as (services, app):
        services.settings.uploads.rmdir()
        services.settings.uploads.symlink_to(small_disk)
        browser = Browser(services, app)
        id = browser.begin("a.mp4", 220_000).json()["id"]
        (small_disk / "other").write_bytes(bytes(100_000))  # meanwhile
        answer = browser.send(id, 0, bytes(220_000))
        assert (answer.status_code, answer.json()["kind"]) == (507, "disk_full")
        received = browser.state(id)["received"]
        assert 0 <= received < 220_000
        (small_disk / "other").unlink()
        assert browser.send(id, received, bytes(220_000 - received)).json() == {"received": 220_000}
        browser.close()


def test_all_is_there_but_the_server_died_before_it_noted_that(ann: Browser, served: Served, tmp_path: Path) -> None:
    data = walk(tmp_path / "walk.mp4", 10).read_bytes()
    id = ann.begin("walk.mp4", len(data)).json()["id"]
    (served[0].uploads.path(id) / "part").write_bytes(data)
    assert ann.begin("walk.mp4", len(data)).json()["received"] == len(data)
    assert ann.send(id, 0, data).json()["values"] == {"offset": len(data)}
    assert ann.send(id, len(data), b"").json() == {"received": len(data)}
    assert ann.checked(id)["state"] == "ready"


def test_more_than_announced_is_cut_off(ann: Browser) -> None:
    id = ann.begin("a.mp4", 100).json()["id"]
    assert ann.send(id, 0, bytes(101)).status_code == 413
    large = ann.begin("b.mp4", 40 << 20).json()["id"]
    assert ann.send(large, 0, bytes((16 << 20) + 1)).status_code == 413


def test_nobody_sees_or_touches_anothers(ann: Browser, bob: Browser) -> None:
    id = ann.begin("a.mp4", 100).json()["id"]
    assert bob.client.get("/api/uploads").json() == []
    assert bob.send(id, 0, b"x").status_code == 404
    assert bob.client.get(f"/api/uploads/{id}/poster.jpg").status_code == 404
    assert bob.client.delete(f"/api/uploads/{id}", headers=bob.headers).status_code == 204
    assert ann.state(id)["received"] == 0
    assert ann.client.delete(f"/api/uploads/{id}", headers=ann.headers).status_code == 204
    assert ann.client.get("/api/uploads").json() == []


def test_without_cookie_or_token_nothing_is_done(ann: Browser, bob: Browser, served: Served) -> None:
    stranger = TestClient(served[1])
    assert stranger.get("/api/uploads").status_code == 401
    values = {"name": "a.mp4", "size": 9, "stamp": ""}
    assert ann.client.post("/api/uploads", json=values).status_code == 403
    assert ann.client.post("/api/uploads", json=values, headers=bob.headers).status_code == 403
    assert ann.client.post("/api/uploads", json=values, headers={TOKEN_HEADER: "é".encode()}).status_code == 403


def test_the_cookie_is_hidden_from_scripts_and_given_once(served: Served) -> None:
    client = TestClient(served[1])
    header = client.get("/", headers={"Accept": "text/html"}).headers["set-cookie"]
    assert "HttpOnly" in header and "SameSite=Lax" in header and "Path=/" in header
    assert "set-cookie" not in client.get("/", headers={"Accept": "text/html"}).headers
    assert "set-cookie" not in TestClient(served[1]).get("/script.js").headers


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"name": 1, "size": 2, "stamp": ""}', b'{"name": "a.mp4", "size": true, "stamp": ""}', b"\xff"],
)
def test_what_is_no_request(ann: Browser, body: bytes) -> None:
    assert ann.client.post("/api/uploads", content=body, headers=ann.headers).status_code == 400


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def picture() -> bytes:
    import cv2
    import numpy as np

    return bytes(cv2.imencode(".png", np.full((48, 64, 3), 90, np.uint8))[1])


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("words.mp4", b"no video, only words" * 50, "not_video"),
        ("a.mkv", bytes(1000), "not_video"),
        ("a.zip", b"PK no zip", "zip_damaged"),
        ("a.zip", zipped({"../../evil.png": picture()}), "zip_unsafe"),
        ("a.zip", zipped({"/etc/evil.png": picture()}), "zip_unsafe"),
        ("a.zip", zipped({"..\\evil.png": picture()}), "zip_unsafe"),
        ("a.zip", zipped({"readme.txt": b"hello"}), "zip_empty"),
        ("a.zip", zipped({"bomb.png": bytes(30_000_000)}), "zip_bomb"),
        ("a.zip", zipped({"1.png": b"no picture"}), "zip_damaged"),
    ],
    ids=["words", "zeros", "no zip", "above", "absolute", "backslash", "no images", "bomb", "no picture"],
)
def test_bad_files_are_refused_with_their_reason_and_removed(
    ann: Browser, served: Served, name: str, data: bytes, kind: str
) -> None:
    id = ann.upload(name, data)
    answer = ann.checked(id)
    assert (answer["state"], answer["kind"]) == ("refused", kind)
    assert not served[0].uploads.path(id).exists()


def test_a_video_over_the_limits(tmp_path: Path) -> None:
    data = walk(tmp_path / "walk.mp4", 40).read_bytes()
    for limits, kind in (
        (Limits(seconds=3, free_bytes=0), "too_long"),
        (Limits(pixels=3000, free_bytes=0), "too_many_pixels"),
    ):
        with page(tmp_path, limits=limits) as served:
            browser = Browser(*served)
            assert browser.checked(browser.upload("walk.mp4", data))["kind"] == kind
            browser.close()


def test_a_zip_of_images_in_natural_order(ann: Browser, served: Served) -> None:
    members = {f"shots/{number}.png": picture() for number in (10, 9, 1)}
    id = ann.upload("shots.zip", zipped({**members, "__MACOSX/._1.png": b"x", "notes.txt": b"x"}))
    facts = ann.checked(id)["facts"]
    assert (facts["frames"], facts["width"]) == (3, 64)
    upload = served[0].uploads.get(ann.owner or "", id)
    assert upload
    names = sorted(path.name for path in served[0].uploads.input(upload).iterdir())
    assert names == ["000001.png", "000002.png", "000003.png"]


@pytest.mark.parametrize(
    "name", ['a "quoted" <b>name</b> 😀.mp4', "../../etc/passwd.mp4", "C:\\videos\\walk.mp4", "a\nb\u202e.mp4"]
)
def test_names_are_shown_and_never_used(ann: Browser, served: Served, name: str) -> None:
    id = ann.begin(name, 100).json()["id"]
    shown = ann.state(id)["name"]
    assert "/" not in shown and "\\" not in shown and shown.isprintable() and shown.endswith(".mp4")
    assert [path.name for path in served[0].uploads.path(id).iterdir()] == ["part"]
    for path in served[0].settings.data.rglob("*"):
        assert path.is_relative_to(served[0].settings.data)


def test_a_password_closes_the_routes_until_it_is_given(tmp_path: Path) -> None:
    with page(tmp_path, password="secret") as (services, app):
        browser = Browser(services, app)
        assert browser.client.get("/api/uploads").status_code == 401
        services.people.admit(browser.cookie)
        assert browser.client.get("/api/uploads").status_code == 200
        services.people.expel(browser.cookie)
        assert browser.client.get("/api/uploads").status_code == 401
        browser.close()


def test_a_login_is_one_person_in_two_browsers(tmp_path: Path) -> None:
    with page(tmp_path, login=True) as (services, app):
        first, second = Browser(services, app), Browser(services, app)
        services.people.admit(first.cookie, "issuer ann")
        services.people.admit(second.cookie, "issuer ann")
        first.begin("a.mp4", 100)
        assert len(second.client.get("/api/uploads").json()) == 1
        services.people.admit(second.cookie, "issuer bob")
        assert second.client.get("/api/uploads").json() == []
        first.close()
        second.close()
