"""client.batch.summary: a row a video, in two formats that agree."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from client.batch.deal import Result
from client.batch.summary import CSV, PARQUET, summary_rows, write_summary
from client.jobs.record import JobSummary, Record
from client.jobs.spec import JobSpec
from tests.media import names

SUMMARY = JobSummary(frames=50, boxes=80, ids=3, seconds=2.0, milliseconds={}, frame_rate=25.0)


def job(folder: Path, name: str) -> JobSpec:
    return JobSpec(input=f"/in/{name}.mp4", output=folder, name=name)


def test_rows_are_those_of_the_records(tmp_path: Path) -> None:
    Record(settings={}, state="done", frames=50, summary=SUMMARY).write(tmp_path, "a")
    jobs = {name: job(tmp_path, name) for name in "abc"}
    results = {
        "b": Result(state="set aside", tries=3, reason="no video, at all"),
        "a": Result(state="kept"),
    }
    rows = summary_rows(jobs, results)
    assert [row.name for row in rows] == ["a", "b"]  # c was not reached
    assert (rows[0].frames, rows[0].boxes, rows[0].ids, rows[0].frames_per_second) == (50, 80, 3, 25.0)
    assert (rows[1].frames, rows[1].tries, rows[1].reason) == (None, 3, "no video, at all")


def test_both_files_hold_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    Record(settings={}, state="done", frames=50, summary=SUMMARY).write(tmp_path, "a")
    odd = b"\xff".decode(errors="surrogateescape")
    jobs = {name: job(tmp_path, name) for name in ("a", odd)}
    results = {"a": Result(state="tracked", tries=1), odd: Result(state="failed", tries=2, reason="gone, with\nall")}
    assert write_summary(summary_rows(jobs, results), tmp_path) == [tmp_path / CSV, tmp_path / PARQUET]
    table = parquet.read_table(tmp_path / PARQUET).to_pylist()
    with (tmp_path / CSV).open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [{key: "" if value is None else str(value) for key, value in row.items()} for row in table] == read
    assert table[0]["ids"] == 3 and table[0]["seconds"] == 2.0 and table[1]["frames"] is None
    assert read[1]["name"] == "\\udcff" and read[1]["reason"] == "gone, with\nall"


def test_credentials_are_kept_out(tmp_path: Path) -> None:
    address = JobSpec(input="https://me:secret@example.com/a.mp4", output=tmp_path, name="a")
    (row,) = summary_rows({"a": address}, {"a": Result(state="failed", tries=1, reason="gone")})
    assert "secret" not in row.input and "example.com/a.mp4" in row.input


def test_without_pyarrow_there_is_the_csv_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / PARQUET).touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert write_summary([], tmp_path) == [tmp_path / CSV]
    assert names(tmp_path) == {CSV}


def test_no_video(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_summary([], tmp_path)
    assert parquet.read_table(tmp_path / PARQUET).num_rows == 0
