"""One result counted: what is known of its video, its counts, and its page."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.analysis.counting import CountConfig, Counts
from client.analysis.counting import count as count_rows
from client.analysis.heat import Image
from client.analysis.places import Places
from client.analysis.report import ReportInput, write_report
from client.analysis.texts import Language
from client.analysis.track_table import TrackTable, track_table
from client.jobs.record import Record, record_path
from client.jobs.spec import JobError
from client.outputs.anonymise import blur_heads
from client.video.images import DEFAULT_FRAME_RATE, SEQINFO
from client.video.open import open_source
from mot.errors import MotError
from mot.sequence import MotRows, SeqInfo, read_results, read_seqinfo
from mot.splits import FRAME_RATES

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be counted, and what the user says of the videos."""

    places: Places
    config: CountConfig
    frame_rate: float | None
    size: tuple[int, int] | None  # width, height of the videos
    video: str | None  # of a single result, as client.video.open.open_source takes it


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One result."""

    rows: MotRows
    places: Places  # in the video's pixels
    counts: Counts
    tracks: TrackTable
    frame: Image | None  # the first one in which there is somebody, of the video if it was given
    record: Record | None


def check_outputs(targets: Sequence[Path | None], inputs: Sequence[Path]) -> None:
    """Refuse to write over what is read.

    Raises:
        MotError: a target is an input, or the record of a result.
    """
    kept = [*inputs, *(record_path(path.parent, path.stem) for path in inputs)]
    for target in targets:
        for path in kept:
            if target is not None and target.exists() and path.exists() and target.samefile(path):
                what = "the record of a result" if path not in inputs else "read by this command"
                raise MotError(f"{target}: is {what} and would be replaced; choose another file")


def count_file(source: Path, request: Request) -> Counted:
    """Count one result.

    Raises:
        MotError: the result, or what stands beside it, cannot be read; or the lines are of another picture.
    """
    rows = read_results(source)
    record, info = _record(source), _seqinfo(source)
    frame = _first_frame(request.video, rows) if request.video is not None else None
    size = request.size or _said_size(info) or (frame is not None and frame.shape[1::-1]) or None
    places = request.places.scaled(*size) if size else request.places
    frame_rate = request.frame_rate or _frame_rate(source, record, info)
    length = info.length if info else None
    counts = count_rows(rows, places, frame_rate=frame_rate, length=length, config=request.config)
    tracks = track_table(rows, frame_rate)
    return Counted(rows=rows, places=places, counts=counts, tracks=tracks, frame=frame, record=record)


def save_report(
    page: Path, name: str, counted: Counted, request: Request, *, anonymise: bool, language: Language
) -> None:
    """Write one result's page.

    Raises:
        MotError: it cannot be written.
    """
    frame = counted.frame
    if frame is not None and anonymise:
        frame = frame.copy()
        boxes = counted.rows.between(first := int(counted.rows.frames.min(initial=1)), first).boxes
        blur_heads(frame, np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1))
    about = ReportInput(
        name=name,
        rows=counted.rows,
        places=counted.places,
        counts=counted.counts,
        config=request.config,
        frame=frame,
        settings=_settings(counted.record),
    )
    write_report(page, about, language)


def _settings(record: Record | None) -> dict[str, str]:
    """How the result was made, as far as its record tells."""
    told = record.settings if record else {}
    settings = {name: str(told[name]) for name in ("tracker", "version") if told.get(name)}
    parameters = told.get("parameters")
    return settings | {str(k): str(v) for k, v in (parameters.items() if isinstance(parameters, dict) else ())}


def _frame_rate(source: Path, record: Record | None, info: SeqInfo | None) -> float:
    if info and info.frame_rate:
        return info.frame_rate
    told = record and ((record.summary and record.summary.frame_rate) or record.settings.get("frame_rate"))
    if isinstance(told, int | float) and told > 0:
        return float(told)
    if source.stem in FRAME_RATES:
        return FRAME_RATES[source.stem]
    log.warning("%s: nothing says its frame rate; %g are assumed, or use --frame-rate", source, DEFAULT_FRAME_RATE)
    return DEFAULT_FRAME_RATE


def _said_size(info: SeqInfo | None) -> tuple[int, int] | None:
    return (info.width, info.height) if info and info.width and info.height else None


def _seqinfo(source: Path) -> SeqInfo | None:
    """Of the sequence that the result is in (SEQUENCE/gt/gt.txt), or that stands beside it by its name."""
    for folder in (source.parent, source.parent.parent, source.with_suffix("")):
        if (folder / SEQINFO).is_file():
            return read_seqinfo(folder / SEQINFO)
    return None


def _record(source: Path) -> Record | None:
    with suppress(JobError):  # some other JSON of that name
        return Record.read(source.parent, source.stem)
    return None


def _first_frame(video: str, rows: MotRows) -> Image | None:
    """The first frame in which there is somebody."""
    first = int(rows.frames.min(initial=np.iinfo(np.int64).max)) if len(rows) else 1
    with open_source(video, first, first) as source:
        return next((frame.image for frame in source), None)
