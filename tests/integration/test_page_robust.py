"""The page in a real browser when things go wrong, for several people, on a phone, in the dark, in Chinese.

With the tiny model in the workers: what is found matters less than what becomes of it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.chromium import chromium
from tests.full_disk import clear, disk, fill, half_written
from tests.media import make_video
from tests.page_server import PageServer, Person, page_server
from tests.tiny_model import repository

pytestmark = pytest.mark.browser
LARGE = 24 << 20  # bytes; sent in pieces of 8 MiB
LINE = 1_500_000  # bytes a second, of a slow connection


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    models = repository(tmp_path_factory.mktemp("models"))
    return "--engine", "local", "--model-repository", models, "--workers", 1, "--free-gib", 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, options: tuple[object, ...]) -> Iterator[PageServer]:
    limits = ("--max-upload", 0.05, "--max-minutes", 60)
    with page_server(tmp_path_factory.mktemp("page") / "data", *options, *limits) as server:
        yield server


@pytest.fixture
def person(browser: Any, server: PageServer) -> Iterator[Person]:
    person = Person(browser, server)
    person.open()
    yield person
    person.close()


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bright(tmp_path_factory.mktemp("short") / "walk.mp4", 20)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes the tiny model many seconds."""
    return bright(tmp_path_factory.mktemp("long") / "long.mp4", 3000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that is a large file: behind its end are bytes that no player reads."""
    path = bright(tmp_path_factory.mktemp("large") / "large.avi", 20)
    with path.open("ab") as file:
        file.write(bytes(LARGE - path.stat().st_size))
    return path


def bright(path: Path, count: int) -> Path:
    """Pictures in which the tiny model is sure of one person: boxes are (r, g, b, r + g + b), scores the mean."""
    drift = np.stack([60 + 20 * np.sin(np.arange(count) / 7), np.full(count, 150), np.full(count, 250)], axis=1)
    return make_video(path, [np.full((480, 640, 3), colour, np.uint8) for colour in drift.astype(np.uint8)])


def slow(person: Person, bytes_per_second: int) -> Any:
    """A slow connection; returns it, for :func:`cut`."""
    session = person.context.new_cdp_session(person.page)
    session.send("Network.enable")
    cut(session, bytes_per_second, offline=False)
    return session


def cut(session: Any, bytes_per_second: int, *, offline: bool) -> None:
    values = {"offline": offline, "latency": 5, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    session.send("Network.emulateNetworkConditions", values)


def test_a_reload_in_mid_upload_loses_nothing(browser: Any, server: PageServer, large: Path) -> None:
    person = Person(browser, server)
    person.open()
    slow(person, LINE)
    person.choose(large)
    _wait_sent(person, 40)
    person.page.reload()
    assert _wait_sent(person, 1) >= 33  # by itself, from where it was: the first piece is there, at least
    person.page.wait_for_selector(".mot-thumb")
    person.close()


def test_the_same_file_chosen_again_goes_on(browser: Any, server: PageServer, large: Path) -> None:
    person = Person(browser, server)
    person.open()
    slow(person, LINE)
    person.choose(large)
    person.page.wait_for_function(f"() => ({_SHARE}) >= 40")
    person.page.evaluate("() => { window.motSender.rows.clear(); indexedDB.deleteDatabase('mot-uploads'); }")
    person.page.reload()
    person.wait_text("Choose the same file again to go on from there")
    person.choose(large)
    assert _wait_sent(person, 1) >= 30
    person.page.wait_for_selector(".mot-thumb")
    person.close()


_SHARE = (
    "(() => { const find = (node) => { for (const each of node.querySelectorAll('*')) { "
    "if (each.role === 'progressbar' && each.classList.contains('bar')) return Number(each.ariaValueNow); "
    "if (each.shadowRoot) { const found = find(each.shadowRoot); if (found !== null) return found; } } return null; }; "
    "return find(document) ?? -1; })()"
)


def _wait_sent(person: Person, percent: int) -> int:
    """Wait until so much of an upload has been sent; how much it is then."""
    person.page.wait_for_function(f"() => {_SHARE} >= {percent}")
    return int(person.page.evaluate(f"() => {_SHARE}"))


def test_a_lost_connection_in_mid_upload(browser: Any, server: PageServer, large: Path) -> None:
    person = Person(browser, server)
    person.open()
    line = slow(person, LINE)
    person.choose(large)
    _wait_sent(person, 10)
    cut(line, LINE, offline=True)
    person.wait_text("The connection is lost. It goes on by itself as soon as it is back.")
    cut(line, LINE, offline=False)
    person.page.wait_for_selector(".mot-thumb")
    person.close()


def test_files_that_are_dropped(person: Person, short: Path) -> None:
    person.page.wait_for_selector(".drop button")
    data = person.page.evaluate_handle(
        "bytes => { const data = new DataTransfer();"
        " data.items.add(new File([new Uint8Array(bytes)], 'dropped.mp4')); return data }",
        list(short.read_bytes()),
    )
    person.page.dispatch_event(".drop", "drop", {"dataTransfer": data})
    person.page.wait_for_selector(".mot-thumb")
    person.wait_text("dropped.mp4")


@pytest.mark.parametrize("noted", [True, False])
def test_the_answer_to_the_last_piece_is_lost(person: Person, server: PageServer, short: Path, noted: bool) -> None:
    """The server has all of it, and may or may not have noted that."""
    lost: list[str] = []

    def lose(route: Any) -> None:
        if route.request.method != "PATCH" or lost:
            route.continue_()
            return
        lost.append(route.request.url)
        if noted:
            route.fetch()
        else:
            id = route.request.url.rpartition("/")[2]
            (server.data / "uploads" / id / "part").write_bytes(short.read_bytes())
        route.abort()

    person.page.route("**/api/uploads/*", lose)
    person.upload(short)
    assert lost


def test_the_web_server_killed_in_mid_upload(browser: Any, server: PageServer, large: Path) -> None:
    person = Person(browser, server)
    person.open()
    slow(person, LINE)
    person.choose(large)
    _wait_sent(person, 40)
    server.kill("web.server")
    server.wait_up()
    person.page.wait_for_selector(".mot-thumb")
    person.close()


def test_a_reload_and_a_killed_worker_and_server_in_mid_job(person: Person, server: PageServer, long: Path) -> None:
    person.upload(long)
    id = person.start()
    person.page.wait_for_selector("img[alt=Live]")
    person.page.reload()
    person.page.wait_for_selector("img[alt=Live]")
    assert id in person.page.url
    server.kill("work.worker")
    server.kill("web.server")
    server.wait_up()
    person.wait_done()
    assert "/2/" in str(person.page.locator("video").get_attribute("src"))  # the second attempt


def test_cancel_retry_delete(person: Person, long: Path) -> None:
    person.upload(long)
    person.start()
    person.page.wait_for_selector("img[alt=Live]")
    person.page.get_by_role("button", name="Cancel").click()
    person.wait_text("Cancelled")
    person.page.get_by_role("button", name="Try again").click()
    person.page.wait_for_selector("[data-state=running], [data-state=queued]")
    person.page.get_by_role("button", name="Cancel").click()
    person.wait_text("Cancelled")
    person.page.get_by_role("button", name="Delete").click()
    person.page.get_by_test_id("stPopoverBody").get_by_role("button", name="Delete").click()
    person.wait_text("Nothing here yet")


def test_two_people_see_only_their_own(browser: Any, server: PageServer, short: Path) -> None:
    ann, bob = Person(browser, server), Person(browser, server)
    ann.open()
    bob.open()
    ann.upload(short)
    job = ann.start()
    ann.wait_done()
    source = str(ann.page.locator("video").get_attribute("src"))
    assert ann.page.evaluate("path => fetch(path).then(a => a.status)", source) == 200
    bob.open(f"?job={job}")
    bob.wait_text("There is no such video here")
    assert bob.page.evaluate("path => fetch(path).then(a => a.status)", source) == 404
    assert bob.page.evaluate("path => fetch(path).then(a => a.status)", f"/api/jobs/{job}/download/txt") == 404
    bob.open()
    bob.wait_text("Nothing here yet")
    assert "mot_person" not in bob.page.evaluate("() => document.cookie")
    ann.close()
    bob.close()


def _zip(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


BAD = {
    "words.mp4": (b"only words " * 100, "This is not a video that can be read"),
    "empty.mp4": (b"", "The file is empty"),
    "program.exe": (b"MZ", "Files of this kind are not taken"),
    "bomb.zip": (_zip({"bomb.png": bytes(50_000_000)}), "The zip unpacks to more than"),
    "above.zip": (_zip({"../../evil.png": b"x"}), "names that lead out of its folder"),
    'a "b" <img src=x onerror=alert(1)> 😀.mp4': (b"words" * 9, "This is not a video that can be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_a_sentence(person: Person, name: str) -> None:
    data, sentence = BAD[name]
    person.choose({"name": name, "mimeType": "application/octet-stream", "buffer": data})
    person.wait_text(sentence)
    assert person.page.locator(".row .name").inner_text() == name  # as text, whatever it holds
    person.page.get_by_role("button", name="OK").click()
    person.page.wait_for_function("() => window.motSender.rows.size === 0")
    person.page.reload()
    person.page.wait_for_selector(".drop")
    assert sentence not in person.text()


def test_too_large_is_refused_before_it_is_sent(person: Person, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(60 << 20)
    sent: list[str] = []
    person.page.on("request", lambda request: sent.append(request.method))
    person.choose(path)
    person.wait_text("The file is too large: the limit is 51 MB")
    assert "POST" not in sent and "PATCH" not in sent


def test_four_hours_are_refused_before_they_are_sent(person: Person, tmp_path: Path) -> None:
    images = [np.full((48, 64, 3), 90, np.uint8)] * 24
    path = make_video(tmp_path / "long.mp4", images, times=[600.0 * number for number in range(24)])
    sent: list[str] = []
    person.page.on("request", lambda request: sent.append(request.method))
    person.choose(path)
    person.wait_text("The video is too long: the limit is 60 minutes")
    assert "PATCH" not in sent


def test_four_hours_that_the_browser_cannot_open(person: Person, tmp_path: Path) -> None:
    images = [np.full((48, 64, 3), 90, np.uint8)] * 24
    path = make_video(tmp_path / "long.avi", images, rate=1, codec="mpeg4")
    data = path.read_bytes()
    # The header's microseconds a frame, and the stream's scale: a frame in ten minutes.
    data = data.replace(
        (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4),
        (600).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4),
        1,
    )
    path.write_bytes(data)
    person.choose(path)
    person.wait_text("The video is too long: the limit is 60 minutes")


def test_one_frame(person: Person, tmp_path: Path) -> None:
    person.upload(bright(tmp_path / "one.mp4", 1))
    person.start()
    person.wait_done()
    assert "0:00" in person.text() or person.page.locator(".tile").count() == 4


def test_nobody(person: Person, tmp_path: Path) -> None:
    images = [np.full((480, 640, 3), 20, np.uint8)] * 5
    person.upload(make_video(tmp_path / "dark.mp4", images))
    person.start()
    person.wait_text("Nobody was found in this video")
    person.wait_done()
    person.page.get_by_role("tab", name="Where people were").click()
    person.page.locator(".mot-picture").first.wait_for()


def test_a_zip_of_images_is_tracked(person: Person) -> None:
    import cv2

    picture = bytes(cv2.imencode(".png", np.full((480, 640, 3), (250, 150, 60), np.uint8))[1])
    data = _zip({f"{number}.png": picture for number in range(5)})
    person.upload({"name": "shots.zip", "mimeType": "application/zip", "buffer": data})
    person.start()
    person.wait_done()


def test_a_full_disk_while_sending_and_while_tracking(
    browser: Any, options: tuple[object, ...], tmp_path: Path
) -> None:
    with disk(tmp_path / "disk", "6m") as folder, page_server(folder / "data", *options) as server:
        _use_full_disk(browser, server, folder, tmp_path)


def _use_full_disk(browser: Any, server: PageServer, folder: Path, tmp_path: Path) -> None:
    person = Person(browser, server)
    person.open()
    slow(person, LINE)
    colour = np.array([70, 130, 200])  # what the tiny model makes boxes of
    grain = [np.random.default_rng(number).integers(-50, 50, (240, 320, 3)) for number in range(60)]
    noise = [(colour + each).astype(np.uint8) for each in grain]
    person.choose(make_video(tmp_path / "noise.mp4", noise))
    _wait_sent(person, 5)
    fill(folder)
    person.wait_text("The server's disk is full")
    clear(folder)
    person.page.get_by_role("button", name="Try again").click()
    person.page.wait_for_selector(".mot-thumb")
    fill(folder, 1 << 18)
    person.start()
    person.wait_text("The server's disk is full")
    assert half_written(folder) == []
    clear(folder)
    person.page.get_by_role("button", name="Try again").click()
    person.wait_done()
    person.close()


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_is_wider_than_it(browser: Any, server: PageServer, short: Path, dark: bool) -> None:
    phone = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    person = Person(browser, server, **phone, color_scheme="dark" if dark else "light")
    person.open()
    assert _overflow(person) <= 0
    person.upload(short)
    assert _overflow(person) <= 0
    person.start()
    person.wait_done()
    for tab in ("Video", "Counting", "Where people were", "What is drawn", "Downloads"):
        person.page.get_by_role("tab", name=tab, exact=True).click()
        person.page.wait_for_timeout(300)
        assert _overflow(person) <= 0, tab
    background = person.page.evaluate("() => getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    light = sum(map(float, background.strip("rgba()").split(",")[:3])) / 3
    assert light < 60 if dark else light > 200
    person.close()


def _overflow(person: Person) -> int:
    """Pixels by which the page is wider than the screen."""
    main = "document.querySelector('[data-testid=stMain]')"
    return int(person.page.evaluate(f"() => {main}.scrollWidth - {main}.clientWidth"))


def test_chinese_from_the_browser_and_switched(browser: Any, server: PageServer) -> None:
    person = Person(browser, server, locale="zh-CN")
    person.open()
    person.wait_text("视频行人跟踪")
    person.wait_text("将视频拖放到这里")
    person.choose({"name": "a.exe", "mimeType": "x/y", "buffer": b"x"})
    person.wait_text("不支持这种文件")
    person.page.get_by_role("button", name="English").click()
    person.wait_text("Drop videos here")
    person.page.reload()
    person.wait_text("Drop videos here")
    person.close()


def test_a_password(browser: Any, options: tuple[object, ...], tmp_path: Path) -> None:
    with page_server(tmp_path / "data", *options, "--password", "open sesame") as server:
        person = Person(browser, server)
        person.page.goto(server.address)
        person.page.get_by_label("Password").first.fill("wrong")
        person.page.get_by_role("button", name="Enter").click()
        person.wait_text("This is not the password")
        assert person.page.evaluate("() => fetch('/api/uploads').then(a => a.status)") == 401
        person.page.get_by_label("Password").first.fill("open sesame")
        person.page.get_by_role("button", name="Enter").click()
        person.wait_text("Drop videos here")
        assert person.page.evaluate("() => fetch('/api/uploads').then(a => a.status)") == 200
        person.close()


def test_below_a_base_path(browser: Any, options: tuple[object, ...], short: Path, tmp_path: Path) -> None:
    server = PageServer(tmp_path / "data", *options, "--base-path", "/mot")
    server.address += "mot/"
    server.start()
    try:
        person = Person(browser, server)
        person.open()
        person.upload(short)
        person.start()
        person.wait_done()
        assert str(person.page.locator("video").get_attribute("src")).startswith("/mot/api/")
        loaded = "video => new Promise(done => video.readyState ? done(true) : video.onloadeddata = () => done(true))"
        assert person.page.locator("video").evaluate(loaded)
        person.close()
    finally:
        server.stop()
