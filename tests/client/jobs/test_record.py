"""client.jobs.record: what stands beside a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.jobs.record import JobSummary, Record, record_path
from client.jobs.spec import JobError
from tests.media import names

SUMMARY = JobSummary(frames=262, boxes=2879, ids=26, seconds=8.0, milliseconds={"decode": 1.5})


def test_written_and_read(tmp_path: Path) -> None:
    record = Record(settings={"frames": [264, 525]}, state="done", frames=262, summary=SUMMARY)
    record.write(tmp_path, "MOT17-09")
    assert Record.read(tmp_path, "MOT17-09") == record
    assert names(tmp_path) == {"MOT17-09.json"}
    assert SUMMARY.frames_per_second == pytest.approx(32.75)


def test_unfinished_one_stands_apart_until_the_job_is_done(tmp_path: Path) -> None:
    running = Record(settings={}, state="running", frames=7)
    running.write(tmp_path, "walk")
    assert names(tmp_path) == {"walk.partial.json"}
    assert Record.read(tmp_path, "walk") is None
    assert Record.read(tmp_path, "walk", done=False) == running
    Record(settings={}, state="done", summary=SUMMARY).write(tmp_path, "walk")
    assert names(tmp_path) == {"walk.json"}


def test_no_record(tmp_path: Path) -> None:
    assert Record.read(tmp_path, "MOT17-09") is None


_FUZZED = (
    "[" * 60_000,
    '{"settings": {"frames": [1, 9]}, "state": "done", "frames": -1000000000000000000000000000000}',
    '{"settings": {}, "state": "done", "summary": {"frames": 262, "boxes": 2879, "ids": 26, "seconds": Infinity, '
    '"milliseconds": {"decode": 1.5}, "frame_rate": 25.0}}',
)  # found by fuzzing: RecursionError; numbers that no job has


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"settings": {}}', '{"settings": {}, "state": "asleep"}', "\udcff", *_FUZZED]
)
def test_another_file_of_that_name(tmp_path: Path, text: str) -> None:
    path = record_path(tmp_path, "MOT17-09")
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(JobError, match=rf"{path}: is no record of a result; remove it"):
        Record.read(tmp_path, "MOT17-09")


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    """In Latin-1, as Python has them: lone surrogates, which JSON escapes."""
    record = Record(settings={"input": {"address": "stra\udcdfe"}}, state="done", summary=SUMMARY)
    record.write(tmp_path, "stra\udcdfe")
    assert names(tmp_path) == {"stra\udcdfe.json"}
    assert Record.read(tmp_path, "stra\udcdfe") == record
