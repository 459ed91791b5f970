"""The page in a real browser, with the shipped model on an embedded Triton: from upload to result."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.serving.network import MODEL_REPOSITORY
from client.serving.server import EmbeddedServer
from client.video.open import open_source
from mot.sequence import read_results
from tests.chromium import chromium
from tests.client.outputs.test_anonymise import head, sharpness
from tests.command import start
from tests.media import beginning
from tests.page_server import PageServer, Person, free_port, page_server

pytestmark = [pytest.mark.browser, pytest.mark.triton, pytest.mark.data]
COUNT = 60  # frames: the first six seconds
EDGE = 5  # pixels that the line around a person takes, and what the video's codec makes of it


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def video(mot_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's first seconds."""
    return beginning(mot_data / "videos/vtest.avi", tmp_path_factory.mktemp("video") / "street.avi", COUNT)


@pytest.fixture(scope="module")
def server(tiny_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """Needs what ``tiny_repository`` needs, an embedded server."""
    if not (MODEL_REPOSITORY / "fairmot/1/model.onnx").is_file():
        pytest.skip("the shipped model is not there")
    with page_server(tmp_path_factory.mktemp("page") / "data", "--workers", 1) as server:
        yield server


@pytest.fixture(scope="module")
def done(browser: Any, server: PageServer, video: Path) -> Iterator[Person]:
    """Somebody whose video is done, on its page."""
    person = Person(browser, server)
    person.open()
    person.upload(video)
    person.start()
    person.page.wait_for_selector("img[alt=Live]")
    assert "frames/s" in person.text() or "frame" in person.text()
    person.wait_done()
    yield person
    person.close()


def _video(person: Person, script: str) -> Any:
    return person.page.locator("video").evaluate(f"video => {{ {script} }}")


def test_the_video_plays_and_seeks(done: Person) -> None:
    done.page.wait_for_function("() => true")
    _video(done, "video.muted = true; return video.play()")
    done.page.wait_for_timeout(1500)
    played = _video(done, "video.pause(); return video.currentTime")
    assert played > 0.2
    _video(done, "return new Promise(done => { video.onseeked = done; video.currentTime = 4.5 })")
    assert _video(done, "return [video.currentTime, video.videoWidth, video.error]") == [4.5, 768, None]
    _video(done, "return video.play()")
    done.page.wait_for_timeout(800)
    assert _video(done, "video.pause(); return video.currentTime") > 4.6


def test_a_click_on_a_person_jumps_to_them(done: Person) -> None:
    summary = _summary(done)
    last = max(summary["tracks"], key=lambda track: track["begin_s"])
    done.page.locator(f"tr[data-id='{last['id']}']").click()
    done.page.wait_for_timeout(300)
    assert _video(done, "video.pause(); return video.currentTime") == pytest.approx(last["begin_s"], abs=1.0)
    portrait = done.page.locator(f"tr[data-id='{last['id']}'] img")
    assert portrait.evaluate("image => image.decode().then(() => image.naturalHeight)") > 20


def _summary(person: Person) -> dict[str, Any]:
    source = str(person.page.locator("video").get_attribute("src")).replace("result.mp4", "summary.json")
    found: dict[str, Any] = json.loads(person.page.evaluate("path => fetch(path).then(a => a.text())", source))
    return found


def test_rows_are_those_of_mot_track(done: Person, video: Path, tmp_path: Path) -> None:
    process = start("track", video, "--output", tmp_path, "--no-video")
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert _download(done, "txt") == (tmp_path / "street.txt").read_bytes()
    assert len(_summary(done)["tracks"]) == len(set(read_results(tmp_path / "street.txt").ids.tolist()))


def _download(person: Person, kind: str) -> bytes:
    person.page.get_by_role("tab", name="Downloads").click()
    with person.page.expect_download() as waiting:
        person.page.locator(f"a[data-kind={kind}]").click()
    assert waiting.value.suggested_filename.startswith("street")
    data = Path(waiting.value.path()).read_bytes()
    person.page.get_by_role("tab", name="Video", exact=True).click()
    return data


def test_all_downloads(done: Person) -> None:
    assert _download(done, "mp4")[4:8] == b"ftyp"
    assert _download(done, "csv").startswith(b"result,id,first_frame")
    document = json.loads(_download(done, "json"))["results"]["street.avi"]
    assert len(document["tracks"]) == len(_summary(done)["tracks"])
    assert b"<html" in _download(done, "report")


def test_a_line_drawn_counts_at_once(done: Person) -> None:
    page = done.page
    page.get_by_role("tab", name="Counting").click()
    done.wait_text("No line or zone yet")
    page.get_by_role("button", name="+ Line").click()
    stage = page.locator(".stage svg")
    box = stage.bounding_box()
    for x, y in ((0.02, 0.6), (0.98, 0.6)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    table = page.locator("[data-kind=lines]")
    table.wait_for()
    name, entering, leaving, people = table.locator("td").all_inner_texts()
    document = json.loads(_download(done, "json"))["results"]["street.avi"]
    (line,) = document["lines"]
    assert (name, int(entering), int(leaving), int(people)) == ("Line 1", line["in"], line["out"], line["people"])
    page.reload()
    page.get_by_role("tab", name="Counting").click()
    page.locator("[data-kind=lines]").wait_for()  # kept


def test_drawn_again_with_heads_blurred_without_the_network(done: Person, server: PageServer, video: Path) -> None:
    page = done.page
    folder = server.data / "jobs" / page.url.partition("job=")[2]
    assert _sharpness_of_heads(folder / "1", video) > 0.5, "as they are"
    before = _requests(server)
    page.get_by_role("tab", name="What is drawn").click()
    page.get_by_test_id("stForm").get_by_text("Blur heads").click()
    page.get_by_role("button", name="Draw again").click()
    page.wait_for_selector("video[src*='/2/']", state="attached")
    assert _requests(server) - before < COUNT / 4  # the supervisor's images, one in ten seconds
    page.get_by_role("tab", name="Video", exact=True).click()
    done.wait_done()
    assert _sharpness_of_heads(folder / "2", video) < 0.1


def _sharpness_of_heads(result: Path, video: Path) -> float:
    """Of the heads in a result's video, as a part of what it is in the video that was sent (medians)."""
    rows = read_results(result / "result.txt")
    found: tuple[list[float], list[float]] = ([], [])
    with open_source(str(video)) as before, open_source(str(result / "result.mp4")) as after:
        for number, images in enumerate(zip(before, after, strict=True), start=1):
            for left, top, width, height in rows.boxes[rows.frames == number]:
                if height < 60:
                    continue
                box = np.array([left, top + EDGE, left + width, top + height])
                for values, frame in zip(found, images, strict=True):
                    values.append(sharpness(head(frame.image, box)))
    assert len(found[0]) > 50, "there are people in it"
    return float(np.median(found[1]) / np.median(found[0]))


def _requests(server: PageServer) -> int:
    """Triton's count of images, from the panel's own source."""
    triton = next(line for pid in server.parts("tritonserver") for line in [Path(f"/proc/{pid}/cmdline").read_text()])
    port = triton.partition("--metrics-port=")[2].partition("\0")[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    line = next(line for line in lines if line.startswith("nv_inference_request_success"))
    return int(line.rpartition(" ")[2])


def test_the_server_panel(done: Person) -> None:
    done.page.get_by_role("button", name="Server").click()
    done.page.locator("[data-kind=server]").wait_for()
    text = done.page.locator("[data-kind=server]").inner_text()
    assert "fairmot 1" in text and "Mean batch" in text and "Latency" in text
    done.page.keyboard.press("Escape")


def test_triton_killed_in_mid_job_costs_time_and_no_frame(browser: Any, server: PageServer, mot_data: Path) -> None:
    person = Person(browser, server)
    person.open()
    person.page.get_by_role("button", name="Settings").or_(person.page.get_by_text("Settings")).first.click()
    person.page.get_by_text("Only some frames").click()
    person.page.get_by_label("Last frame").fill("150")
    person.page.get_by_label("Last frame").press("Enter")
    person.page.wait_for_timeout(1500)
    person.page.get_by_role("button", name="Try the sample").click()
    person.page.wait_for_selector("img[alt=Live]")
    server.kill("tritonserver")
    person.wait_done()
    assert _summary(person)["frames"] == 150
    person.close()


def test_triton_away_at_the_start(browser: Any, tiny_repository: Path, video: Path, tmp_path: Path) -> None:
    port = free_port()
    with page_server(tmp_path / "data", "--url", f"127.0.0.1:{port}", "--workers", 1) as server:
        person = Person(browser, server)
        person.open()
        person.upload(video)
        person.start()
        person.wait_text("The server that finds people is away")
        with EmbeddedServer(MODEL_REPOSITORY, grpc_port=port):
            person.wait_done()
        person.close()


def test_the_processes_end_with_the_page(tmp_path: Path, tiny_repository: Path) -> None:
    with page_server(tmp_path / "data", "--workers", 2) as server:
        assert server.process
        pids = [*server.parts("web.server"), *server.parts("work.worker"), *server.parts("tritonserver")]
        assert len(pids) == 4
    subprocess.run(["sleep", "0.5"], check=True)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
