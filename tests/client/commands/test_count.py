"""``mot count``: tables, files, where the frame rate comes from, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from client.jobs.record import JobSummary, Record
from mot.sequence import SeqInfo, write_results, write_seqinfo
from tests.client.analysis.walks import walks, way
from tests.command import Outcome
from tests.media import make_video, numbered_image

Mot = Callable[..., Outcome]
ROWS = walks({1: way((200, 245), (200, 355)), 2: dict(enumerate(way((150, 355), (150, 245)), start=30))})
PLACES = {
    "width": 640,
    "height": 480,
    "lines": [{"name": "door [old]", "points": [[100, 300], [300, 300]]}],
    "zones": [
        {"name": "hall", "points": [[100, 300], [300, 300], [300, 450], [100, 450]]},
        {"name": "yard", "points": [[100, 100], [300, 100], [300, 290], [100, 290]]},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lines.json").write_text(json.dumps(PLACES))
    write_results(tmp_path / "out" / "street.txt", ROWS)
    return tmp_path


def written(path: Path, name: str = "street") -> dict[str, object]:
    document: dict[str, object] = json.loads(path.read_text())["results"][name]
    return document


def test_tables_of_lines_zones_and_journeys(mot: Mot, folder: Path) -> None:
    outcome = mot("count", folder / "out" / "street.txt", "--lines", folder / "lines.json", "--frame-rate", 10)
    assert (outcome.status, outcome.err) == (0, "")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["street", "door", "[old]", "1", "1", "2"] in lines
    assert ["street", "hall", "1", "1", "2", "1", "0.6", "0.7"] in lines
    assert ["hall", "0", "1"] in lines and ["yard", "1", "0"] in lines
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_all_files(mot: Mot, folder: Path) -> None:
    options = [part for name in ("csv", "events", "tracks", "json") for part in (f"--{name}", folder / f"new/{name}")]
    common = ("--lines", folder / "lines.json", "--frame-rate", 10, "--interval", 2)
    assert mot("count", folder / "out", *common, *options).status == 0
    events = list(csv.DictReader((folder / "new/events").read_text().splitlines()))
    assert [(row["event"], row["id"]) for row in events if row["kind"] == "line"] == [("in", "1"), ("out", "2")]
    assert len((folder / "new/tracks").read_text().splitlines()) == 3
    assert "street,line,door [old],in,0.0,2.0,1" in (folder / "new/csv").read_text()
    assert written(folder / "new/json")["frame_rate"] == 10


def test_a_folder_of_results_is_counted_one_by_one(mot: Mot, folder: Path) -> None:
    write_results(folder / "out" / "empty.txt", walks({}))
    write_results(folder / "out" / "half.partial.txt", ROWS)
    target = folder / "all.json"
    outcome = mot("count", folder / "out", "--lines", folder / "lines.json", "--frame-rate", 10, "--json", target)
    assert outcome.status == 0
    assert list(json.loads(target.read_text())["results"]) == ["empty", "street"]


def test_the_record_tells_the_frame_rate(mot: Mot, folder: Path) -> None:
    summary = JobSummary(frames=41, boxes=24, ids=2, seconds=1, milliseconds={}, frame_rate=12.5)
    Record(settings={}, state="done", frames=41, summary=summary).write(folder / "out", "street")
    outcome = mot("count", folder / "out", "--lines", folder / "lines.json", "--json", folder / "c.json")
    assert outcome.err == "" and written(folder / "c.json")["frame_rate"] == 12.5


def test_seqinfo_tells_frame_rate_length_and_size(mot: Mot, folder: Path) -> None:
    info = SeqInfo(name="street", frame_rate=14, length=100, width=1280, height=960)
    write_seqinfo(folder / "seqinfo.ini", info)
    outcome = mot("count", folder / "out", "--lines", folder / "lines.json", "--json", folder / "c.json")
    assert outcome.err == ""
    document = written(folder / "c.json")
    assert (document["frame_rate"], document["frames"]) == (14, 100)
    assert document["lines"][0]["in"] == 0, "the line is at 600 in this video"  # type: ignore[index]


def test_seqinfo_need_not_tell_all_of_it(mot: Mot, folder: Path) -> None:
    write_seqinfo(folder / "seqinfo.ini", SeqInfo(name="street", length=100))
    outcome = mot("count", folder / "out", "--lines", folder / "lines.json", "--json", folder / "c.json")
    assert "street.txt: nothing says its frame rate; 30 are assumed" in outcome.err
    document = written(folder / "c.json")
    assert (document["frame_rate"], document["frames"]) == (30, 100)


def test_without_any_word_of_it_a_frame_rate_is_assumed_aloud(mot: Mot, folder: Path) -> None:
    (folder / "out" / "street.json").write_text('{"no": "record"}')
    outcome = mot("count", folder / "out", "--lines", folder / "lines.json", "--json", folder / "c.json")
    assert "street.txt: nothing says its frame rate; 30 are assumed, or use --frame-rate" in outcome.err
    assert written(folder / "c.json")["frame_rate"] == 30


def test_size_scales_the_lines(mot: Mot, folder: Path) -> None:
    common = (
        "count",
        folder / "out",
        "--lines",
        folder / "lines.json",
        "--frame-rate",
        10,
        "--json",
        folder / "c.json",
    )
    assert mot(*common, "--size", "1280x960").status == 0
    assert written(folder / "c.json")["lines"][0]["in"] == 0  # type: ignore[index]
    outcome = mot(*common, "--size", "720x576")
    assert outcome.status == 1 and "has 720x576, which is another shape" in outcome.err
    assert mot(*common, "--size", "large").status == 2


def test_report_over_a_frame_of_the_video(mot: Mot, folder: Path) -> None:
    video = make_video(folder / "street.mp4", [numbered_image(n, 640, 480) for n in range(41)])
    page = folder / "page.html"
    options = ("--frame-rate", 10, "--report", page, "--video", video, "--anonymise", "--language", "zh")
    outcome = mot("count", folder / "out", "--lines", folder / "lines.json", *options)
    assert outcome.status == 0 and str(page) in outcome.out.replace("\n", "")
    assert 'lang="zh-CN"' in page.read_text() and 'viewBox="0 0 640 480"' in page.read_text()


def test_a_report_for_each_of_several_results(mot: Mot, folder: Path) -> None:
    write_results(folder / "out" / "empty.txt", walks({}))
    common = ("count", folder / "out", "--lines", folder / "lines.json", "--frame-rate", 10)
    assert mot(*common, "--report", folder / "pages").status == 0
    assert sorted(path.name for path in (folder / "pages").iterdir()) == ["empty.html", "street.html"]
    assert mot(*common, "--report", folder / "page.html").status == 2
    assert mot(*common, "--video", "street.mp4").status == 2


def refusal(outcome: Outcome) -> str:
    assert outcome.status == 1, outcome.out
    return outcome.err


def test_refusals_name_file_and_remedy(mot: Mot, folder: Path) -> None:
    lines, results = folder / "lines.json", folder / "out"
    (folder / "none.json").write_text('{"width": 640, "height": 480}')
    assert "has neither lines nor zones" in refusal(mot("count", results, "--lines", folder / "none.json"))
    (folder / "bad.json").write_text('{"width": 640, "height": 480, "line": []}')
    assert "bad.json: line is []: there is no such key" in refusal(
        mot("count", results, "--lines", folder / "bad.json")
    )
    assert "cannot be read" in refusal(mot("count", results / "other.txt", "--lines", lines))
    (folder / "bare").mkdir()
    assert "no .txt in this folder" in refusal(mot("count", folder / "bare", "--lines", lines))
    write_results(folder / "other" / "street.txt", ROWS)
    assert "has the same name" in refusal(mot("count", results, folder / "other", "--lines", lines))


def test_neither_a_result_nor_its_record_nor_the_lines_are_replaced(mot: Mot, folder: Path) -> None:
    Record(settings={}, state="done").write(folder / "out", "street")
    common = ("count", folder / "out", "--lines", folder / "lines.json")
    assert "is the record of a result" in refusal(mot(*common, "--json", folder / "out" / "street.json"))
    assert "is read by this command" in refusal(mot(*common, "--json", folder / "lines.json"))
    assert "is read by this command" in refusal(mot(*common, "--csv", folder / "out" / "street.txt"))
    assert json.loads((folder / "lines.json").read_text()) == PLACES
