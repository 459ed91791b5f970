"""client.ui.web.result_routes over HTTP: ranges, names of downloads, and whose they are."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from client.analysis.places import Line, Places, write_places
from client.ui.results import Result
from client.ui.work.worker import Worker
from tests.client.ui.pages import job_spec
from tests.client.ui.test_upload_routes import Browser, Served, page
from tests.command import walk

TITLE = 'a "b" 街.mp4'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with page(tmp_path_factory.mktemp("page")) as served:
        yield served


@pytest.fixture(scope="module")
def ann(served: Served) -> Iterator[Browser]:
    browser = Browser(*served)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def job(served: Served, ann: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A finished job of Ann's, done in this process."""
    services = served[0]
    video = walk(tmp_path_factory.mktemp("video") / "walk.mp4", 20, 320, 240)
    id = services.jobs.add(ann.owner or "", title=TITLE, spec=job_spec(video))
    worker = Worker(services.settings, "here")
    claimed = services.jobs.claim("here")
    assert claimed
    worker.do(claimed)
    return id


def test_the_video_comes_in_ranges(ann: Browser, job: str) -> None:
    address = f"/api/jobs/{job}/1/result.mp4"
    whole = ann.client.get(address)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    assert whole.headers["accept-ranges"] == "bytes" and whole.headers["x-content-type-options"] == "nosniff"
    part = ann.client.get(address, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    end = ann.client.get(address, headers={"Range": "bytes=-50"})
    assert end.status_code == 206 and end.content == whole.content[-50:]
    assert ann.client.get(address, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416


@pytest.mark.parametrize("name", ["scene.jpg", "heat.jpg", "ways.svg", "summary.json"])
def test_what_the_page_shows(ann: Browser, job: str, name: str) -> None:
    answer = ann.client.get(f"/api/jobs/{job}/1/{name}")
    assert answer.status_code == 200 and len(answer.content) > 100
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["1/result.json", "1/result.txt", "1/..%2fpreview.jpg", "2/result.mp4", "1/rows.npz"])
def test_nothing_else_is_given_out(ann: Browser, job: str, path: str) -> None:
    assert ann.client.get(f"/api/jobs/{job}/{path}").status_code == 404


def test_portraits_and_preview(ann: Browser, job: str) -> None:
    assert ann.client.get(f"/api/jobs/{job}/preview.jpg").content[:2] == b"\xff\xd8"
    tracks = ann.client.get(f"/api/jobs/{job}/1/summary.json").json()["tracks"]
    for track in tracks:
        status = ann.client.get(f"/api/jobs/{job}/1/portraits/{track['id']}.jpg").status_code
        assert status == (200 if track["portrait"] else 404)


@pytest.mark.parametrize(
    ("kind", "suffix"), [("mp4", ".mp4"), ("txt", ".txt"), ("csv", ".tracks.csv"), ("report", ".html")]
)
def test_downloads_carry_the_uploads_name(ann: Browser, job: str, kind: str, suffix: str) -> None:
    answer = ann.client.get(f"/api/jobs/{job}/download/{kind}")
    header = answer.headers["content-disposition"]
    assert answer.status_code == 200
    assert header == f"attachment; filename=\"a _b_ _{suffix}\"; filename*=UTF-8''a%20%22b%22%20%E8%A1%97{suffix}"


def test_counts_are_of_the_lines_that_were_drawn(ann: Browser, served: Served, job: str) -> None:
    folder = served[0].settings.jobs / job
    result = Result.of(folder, 1, TITLE)
    write_places(
        result.places_path, Places(width=320, height=240, lines=(Line(name="=door", points=((0, 9), (9, 9))),))
    )
    document = json.loads(ann.client.get(f"/api/jobs/{job}/download/json").content)
    assert [line["name"] for line in document["results"][TITLE]["lines"]] == ["=door"]
    assert b"'=door" in ann.client.get(f"/api/jobs/{job}/download/counts").content  # no formula in a spreadsheet
    assert "行人" in ann.client.get(f"/api/jobs/{job}/download/report?language=zh").text


def test_another_person_gets_nothing(served: Served, job: str) -> None:
    bob = Browser(*served)
    for path in ("1/result.mp4", "1/scene.jpg", "1/portraits/1.jpg", "preview.jpg", "download/txt", "download/json"):
        assert bob.client.get(f"/api/jobs/{job}/{path}").status_code == 404
    bob.close()
