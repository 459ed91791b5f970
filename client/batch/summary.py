"""A batch in a table, a row a video: ``summary.csv``, and ``summary.parquet`` where pyarrow is installed."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from client.batch.deal import Result
from client.batch.plan import shown
from client.jobs.record import Record
from client.jobs.spec import JobError, JobSpec
from mot.files import whole_file

CSV, PARQUET = "summary.csv", "summary.parquet"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One video; what only a finished one has is None of others."""

    name: str
    input: str
    state: str  # as client.batch.deal.Result
    tries: int  # that failed
    frames: int | None
    boxes: int | None  # people in all frames together
    ids: int | None
    frame_rate: float | None  # of the video
    seconds: float | None  # that tracking took
    frames_per_second: float | None
    rows: str  # the file of the results
    reason: str  # why it is not done


def summary_rows(jobs: Mapping[str, JobSpec], results: Mapping[str, Result]) -> list[Row]:
    """A row for each job, in their order; the numbers are those of the records on disk."""
    return [_row(job, results[name]) for name, job in jobs.items() if name in results]


def _row(job: JobSpec, result: Result) -> Row:
    done = result.state in ("tracked", "kept")
    try:
        record = Record.read(job.output, job.name) if done else None
    except JobError:
        record = None
    summary = record.summary if record else None
    return Row(
        name=job.name,
        input=shown(job.input),
        state=result.state,
        tries=result.tries,
        frames=summary.frames if summary else None,
        boxes=summary.boxes if summary else None,
        ids=summary.ids if summary else None,
        frame_rate=summary.frame_rate if summary else None,
        seconds=round(summary.seconds, 3) if summary else None,
        frames_per_second=round(summary.frames_per_second, 2) if summary else None,
        rows=str(job.texts[0]) if done else "",
        reason=result.reason,
    )


def write_summary(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write the tables; returns those that were: without pyarrow, the CSV alone.

    Raises:
        JobError: they cannot be written.
    """
    written = []
    try:
        with whole_file(folder / CSV) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(field.name for field in fields(Row))
            table.writerows([_text(value) for value in astuple(row)] for row in rows)
        written.append(folder / CSV)
        if _write_parquet(rows, folder / PARQUET):
            written.append(folder / PARQUET)
    except OSError as error:
        raise JobError(f"{folder}: the summary cannot be written: {error.strerror}; check the output folder") from error
    return written


def _write_parquet(rows: Sequence[Row], path: Path) -> bool:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        path.unlink(missing_ok=True)  # of an earlier run, which had it
        return False
    kinds = {"str": pa.string(), "int": pa.int64(), "int | None": pa.int64(), "float | None": pa.float64()}
    schema = pa.schema([(field.name, kinds[str(field.type)]) for field in fields(Row)])
    columns = zip(*(map(_text, astuple(row)) for row in rows), strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    with whole_file(path) as temporary:
        parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), str(temporary))
    return True


def _text(value: object) -> object:
    """File names that are no text with their bytes escaped: tables hold text alone."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
