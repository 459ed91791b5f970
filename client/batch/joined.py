"""A video's result from those of its pieces."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from client.jobs.record import JobSummary, Record
from client.jobs.spec import JobError, JobSpec
from client.outputs.draw import draw_results
from client.outputs.embeddings import embeddings_path, read_embeddings, write_embeddings
from client.refine.joining import Piece, join
from client.video.open import open_source
from mot.files import whole_file
from mot.sequence import MotRows, format_row, read_results


def join_pieces(job: JobSpec, pieces: Sequence[JobSpec], settings: Mapping[str, Any]) -> None:
    """Write the job's results and record, and remove the pieces'.

    Raises:
        MotError: a piece's result is missing, or one of the whole cannot be written.
    """
    begun = time.perf_counter()
    summaries = [_summary(piece) for piece in pieces]
    read = [
        Piece(
            first=piece.start,
            last=piece.start + summary.frames - 1,
            rows=read_results(piece.texts[0]),
            embeddings=read_embeddings(embeddings_path(piece.texts[0])),
        )
        for piece, summary in zip(pieces, summaries, strict=True)
    ]
    rows, embeddings = join(read)
    rows_path = job.texts[0]
    try:
        _write_rows(job, rows)
        if job.embeddings:
            with whole_file(embeddings_path(rows_path)) as temporary, temporary.open("wb") as file:
                write_embeddings(file, embeddings)
    except OSError as error:
        raise JobError(f"{rows_path}: cannot be written: {error.strerror}; check the output folder") from error
    if job.video:
        with closing(open_source(job.input)) as source:
            draw_results(source, rows, job.video_path, rows_path=rows_path, audio=job.audio, anonymise=job.anonymise)
    summary = JobSummary(
        frames=read[-1].last - read[0].first + 1,
        boxes=len(rows),
        ids=len(np.unique(rows.ids)),
        seconds=sum(summary.seconds for summary in summaries) + time.perf_counter() - begun,
        milliseconds={},
        frame_rate=summaries[0].frame_rate,
    )
    done = Record(settings=dict(settings), state="done", frames=summary.frames, summary=summary)
    try:
        done.write(job.output, job.name)
    except OSError as error:
        raise JobError(f"{job.output}: cannot be written: {error.strerror}; check the output folder") from error
    shutil.rmtree(pieces[0].output, ignore_errors=True)


def _summary(piece: JobSpec) -> JobSummary:
    record = Record.read(piece.output, piece.name)
    if record is None or record.summary is None:
        raise JobError(f"{piece.output}: the result of frames from {piece.start} on is missing; run the batch again")
    return record.summary


def _write_rows(job: JobSpec, rows: MotRows) -> None:
    """As they were written, but for the ids."""
    columns = zip(rows.frames.tolist(), rows.ids.tolist(), rows.boxes.tolist(), rows.scores.tolist(), strict=True)
    with whole_file(job.texts[0]) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(format_row(*row) for row in columns)
