"""Pictures of the page's main states for client/ui/README.md: `make screenshots`.

With the shipped model on an embedded Triton and the sample video.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from client.video.sample import fetch_sample
from tests.chromium import chromium
from tests.command import ROOT
from tests.page_server import PageServer, Person, page_server

FOLDER = ROOT / "client/ui/pictures"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
FRAMES = 250


def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, chromium() as browser, page_server(Path(name) / "data") as server:
        sample = fetch_sample()
        job = _upload_and_track(browser, server, sample)
        for take in (_results, _phone, _chinese, _bad):
            take(browser, server, job)


def _take(person: Person, name: str) -> None:
    person.page.wait_for_timeout(700)
    person.page.screenshot(path=str(FOLDER / f"{name}.jpg"), type="jpeg", quality=80)


_STATE: dict[str, Any] = {}  # cookies of the first person, for the others' views


def _upload_and_track(browser: Any, server: PageServer, sample: Path) -> str:
    person = Person(browser, server, viewport={"width": 1200, "height": 1150})
    person.open()
    session = person.context.new_cdp_session(person.page)
    session.send("Network.enable")
    line = {"offline": False, "latency": 5, "downloadThroughput": -1}
    session.send("Network.emulateNetworkConditions", {**line, "uploadThroughput": 1_200_000})
    person.choose(sample)
    person.page.wait_for_selector(".bar")
    person.page.wait_for_timeout(3000)
    _take(person, "uploading")
    person.page.wait_for_selector(".mot-thumb")
    person.page.wait_for_timeout(1500)
    person.page.get_by_text("Settings", exact=True).last.click()
    person.page.wait_for_timeout(500)
    person.page.get_by_text("Only some frames").click()
    person.page.get_by_label("Last frame").fill(str(FRAMES))
    person.page.get_by_label("Last frame").press("Enter")
    person.page.wait_for_timeout(2500)
    _take(person, "settings")
    job = person.start()
    person.page.wait_for_selector("img[alt=Live]")
    person.page.wait_for_timeout(4000)
    _take(person, "running")
    person.wait_done()
    _STATE.update(person.context.storage_state())
    person.close()
    return job


def _results(browser: Any, server: PageServer, job: str) -> None:
    person = Person(browser, server, viewport={"width": 1200, "height": 1850}, storage_state=_STATE)
    page = person.open(f"?job={job}")
    person.wait_done()
    page.locator("video").evaluate("video => new Promise(done => { video.onseeked = done; video.currentTime = 12 })")
    _take(person, "result")
    page.set_viewport_size({"width": 1200, "height": 1250})
    page.get_by_role("tab", name="Counting").click()
    _draw(page, "+ Line", [(0.05, 0.62), (0.95, 0.62)])
    _draw(page, "+ Zone", [(0.02, 0.38), (0.5, 0.38), (0.5, 0.6), (0.02, 0.6), (0.02, 0.38)])
    _draw(page, "+ Zone", [(0.56, 0.38), (0.98, 0.38), (0.98, 0.6), (0.56, 0.6), (0.56, 0.38)])
    page.locator("[data-kind=journeys]").wait_for()
    page.set_viewport_size({"width": 1200, "height": 1700})
    _take(person, "counting")
    page.get_by_role("tab", name="Where people were").click()
    page.locator(".mot-picture").last.wait_for()
    _take(person, "where")
    page.set_viewport_size({"width": 1200, "height": 800})
    page.get_by_role("button", name="Server").click()
    page.locator("[data-kind=server]").wait_for()
    _take(person, "server")
    person.close()


def _draw(page: Any, tool: str, points: list[tuple[float, float]]) -> None:
    page.get_by_role("button", name=tool, exact=True).click()
    box = page.locator(".stage svg").bounding_box()
    for x, y in points:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.wait_for_timeout(1500)


def _phone(browser: Any, server: PageServer, job: str) -> None:
    person = Person(browser, server, **PHONE, color_scheme="dark", storage_state=_STATE)
    person.open(f"?job={job}")
    person.wait_done()
    _take(person, "phone")
    person.close()


def _chinese(browser: Any, server: PageServer, job: str) -> None:
    person = Person(browser, server, viewport={"width": 1200, "height": 800}, locale="zh-CN", storage_state=_STATE)
    person.open()
    _take(person, "chinese")
    person.close()


def _bad(browser: Any, server: PageServer, job: str) -> None:
    person = Person(browser, server, viewport={"width": 1200, "height": 800})
    person.open()
    words = {"name": "holiday.mp4", "mimeType": "video/mp4", "buffer": b"only words" * 200}
    person.choose(words, {"name": "notes.docx", "mimeType": "text/plain", "buffer": b"x"})
    person.wait_text("This is not a video that can be read")
    _take(person, "refused")
    person.close()


if __name__ == "__main__":
    main()
