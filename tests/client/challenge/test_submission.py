"""The server's zip: each check with the fault that it is for."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from client.challenge.submission import check_submission, write_zip
from client.challenge.task import ChallengeError
from client.jobs.record import JobSummary, Record
from mot.splits import sequences
from tests.media import names

ROW = "{frame},{id},10.00,20.00,30.00,60.00,0.9000,-1,-1,-1"


def write(path: Path, *rows: str) -> None:
    path.write_text("".join(f"{row}\n" for row in rows))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """What the server wants of MOT20: a row in the first and in the last frame of each sequence."""
    folder = tmp_path / "results"
    folder.mkdir()
    for name, length in sequences("MOT20", "test").items():
        write(folder / f"{name}.txt", ROW.format(frame=1, id=1), ROW.format(frame=length, id=1))
    return folder


def test_good_results(results: Path) -> None:
    found = check_submission(results)
    assert found.benchmark == "MOT20"
    assert found.faults == ()
    assert found.rows == {"MOT20-04": 2, "MOT20-06": 2, "MOT20-07": 2, "MOT20-08": 2}


@pytest.mark.parametrize("benchmark", ["MOT15", "MOT16", "MOT17", "MOT20"])
def test_zip_holds_the_files_in_its_root(tmp_path: Path, benchmark: str) -> None:
    wanted = sequences(benchmark, "test")  # type: ignore[arg-type]
    for name in wanted:
        write(tmp_path / f"{name}.txt", ROW.format(frame=1, id=1))
    found = check_submission(tmp_path)
    assert found.benchmark == benchmark
    write_zip(found, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(f"{name}.txt" for name in wanted)
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / name).read_bytes()
    assert len(wanted) == {"MOT15": 11, "MOT16": 7, "MOT17": 21, "MOT20": 4}[benchmark]


def test_same_results_are_the_same_bytes(results: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_zip(check_submission(results), tmp_path / name)
        (results / "MOT20-04.txt").touch()
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_is_missing_or_under_way_is_pending(results: Path) -> None:
    assert check_submission(results).pending == ()
    (results / "MOT20-06.txt").unlink()
    Record(settings={}, state="running").write(results, "MOT20-08")
    found = check_submission(results)
    assert found.pending == ("MOT20-06", "MOT20-08")
    assert len(found.faults) == 2


Fault = Callable[[Path], None]


def missing(folder: Path) -> None:
    (folder / "MOT20-06.txt").unlink()
    (folder / "MOT20-08.txt").unlink()


def foreign(folder: Path) -> None:
    write(folder / "mot20-04.txt", ROW.format(frame=1, id=1))


def training(folder: Path) -> None:
    write(folder / "MOT20-01.txt", ROW.format(frame=1, id=1))


def empty(folder: Path) -> None:
    write(folder / "MOT20-04.txt")


def beyond(folder: Path) -> None:
    write(folder / "MOT20-04.txt", ROW.format(frame=2081, id=1))


def frame_zero(folder: Path) -> None:
    write(folder / "MOT20-04.txt", ROW.format(frame=0, id=1))


def repeated(folder: Path) -> None:
    write(folder / "MOT20-04.txt", ROW.format(frame=3, id=7), ROW.format(frame=3, id=7))


def id_zero(folder: Path) -> None:
    write(folder / "MOT20-04.txt", ROW.format(frame=3, id=2), ROW.format(frame=4, id=0))


def id_of_a_clock(folder: Path) -> None:
    write(folder / "MOT20-04.txt", ROW.format(frame=3, id=1699999999123))


def short_rows(folder: Path) -> None:
    write(folder / "MOT20-04.txt", "1,1,10,20,30,60,0.9")


def cut(folder: Path) -> None:
    write(folder / "MOT20-04.txt", ROW.format(frame=1, id=1), "2,1,10,2")


def flat_box(folder: Path) -> None:
    write(folder / "MOT20-04.txt", "1,1,10,20,0,60,0.9,-1,-1,-1")


def tracked(folder: Path, first: int, last: int, length: int) -> None:
    """The record of a finished run."""
    frames = last - first + 1
    summary = JobSummary(frames=frames, boxes=frames, ids=1, seconds=1, milliseconds={})
    settings = {"frames": [first, last], "length": length}
    Record(settings=settings, state="done", frames=frames, summary=summary).write(folder, "MOT20-04")


def unfinished(folder: Path) -> None:
    Record(settings={}, state="stopped", frames=7).write(folder, "MOT20-04")


def half_tracked(folder: Path) -> None:
    tracked(folder, 1041, 2080, 2080)


def cut_down(folder: Path) -> None:
    """Images of a subset, such as MOT17-mini."""
    tracked(folder, 1, 39, 39)


FAULTS: dict[Fault, str] = {
    missing: "{folder}: 2 of 4 sequences are missing: MOT20-06, MOT20-08",
    foreign: "{folder}/mot20-04.txt: mot20-04 is no sequence of MOT20's test set; put it elsewhere",
    training: "{folder}/MOT20-01.txt: MOT20-01 is no sequence of MOT20's test set; put it elsewhere",
    empty: "{folder}/MOT20-04.txt: holds no row; nobody was found in the whole sequence",
    beyond: "{folder}/MOT20-04.txt: has frame 2081, but the sequence has 2080 frames",
    frame_zero: "{folder}/MOT20-04.txt:1: frame is 0, frames start at 1; add 1 to all frames of a file that "
    "counts from 0",
    repeated: "{folder}/MOT20-04.txt:2: id 7 is already in frame 3 (line 1)",
    id_zero: "{folder}/MOT20-04.txt: has id 0 in frame 4; ids count from 1",
    id_of_a_clock: "{folder}/MOT20-04.txt: has id 1699999999123; TrackEval's tables have a place for each id below it, "
    "so number from 1",
    short_rows: "{folder}/MOT20-04.txt: has 7 columns, the server wants 10; end each line with -1,-1,-1",
    cut: "{folder}/MOT20-04.txt:2: 4 columns, expected 7 to 10 separated by commas",
    flat_box: "{folder}/MOT20-04.txt:1: width is 0, a box must have a positive size",
    unfinished: "{folder}/MOT20-04.partial.json: the run did not finish; run `mot challenge track` again",
    half_tracked: "{folder}/MOT20-04.json: frames 1041 to 2080 of 2080 were tracked, the server has 2080",
    cut_down: "{folder}/MOT20-04.json: frames 1 to 39 of 39 were tracked, the server has 2080",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_faults(results: Path, tmp_path: Path, fault: Fault) -> None:
    fault(results)
    found = check_submission(results)
    assert len(found.faults) == 1
    assert found.faults[0].startswith(FAULTS[fault].format(folder=results))
    with pytest.raises(ChallengeError, match=r"out\.zip was not written: the server would refuse it"):
        write_zip(found, tmp_path / "out.zip")
    assert names(tmp_path) == {"results"}


def test_all_faults_are_told_at_once(results: Path) -> None:
    for fault in (missing, foreign, beyond):
        fault(results)
    assert len(check_submission(results).faults) == 3


def test_record_of_a_complete_run_is_no_fault(results: Path) -> None:
    tracked(results, 1, 2080, 2080)
    assert check_submission(results).faults == ()


def test_records_of_mot17_are_of_videos_or_of_sequences(tmp_path: Path) -> None:
    for name in sequences("MOT17", "test"):
        write(tmp_path / f"{name}.txt", ROW.format(frame=1, id=1))
    for name in ("MOT17-03", "MOT17-14-SDP"):
        Record(settings={}, state="failed").write(tmp_path, name)
    assert [fault.split(":")[0] for fault in check_submission(tmp_path).faults] == [
        f"{tmp_path}/MOT17-14-SDP.partial.json",
        f"{tmp_path}/MOT17-03.partial.json",
    ]


def test_partial_results_and_other_files_are_passed_over(results: Path) -> None:
    write(results / "MOT20-04.partial.txt", ROW.format(frame=1, id=1))
    (results / "MOT20.zip").write_bytes(b"of an earlier run")
    assert check_submission(results).faults == ()


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ChallengeError, match="gone: no such folder"):
        check_submission(tmp_path / "gone")


def test_results_of_no_benchmark(tmp_path: Path) -> None:
    write(tmp_path / "street.txt", ROW.format(frame=1, id=1))
    with pytest.raises(ChallengeError, match="holds no result of a benchmark's sequence; choose with --benchmark"):
        check_submission(tmp_path)
    assert len(check_submission(tmp_path, "MOT16").faults) == 2


def test_zip_that_cannot_be_written(results: Path) -> None:
    with pytest.raises(ChallengeError, match=r"MOT20-04\.txt/out\.zip: cannot be written: "):
        write_zip(check_submission(results), results / "MOT20-04.txt" / "out.zip")
