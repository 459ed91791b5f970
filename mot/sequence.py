"""MOTChallenge's files: rows of boxes (``gt.txt``, ``det.txt``, results) and ``seqinfo.ini`` (:mod:`mot.seqinfo`).

Frames and pixels are as the files have them: frames from 1, boxes as left, top, width, height in pixels
of the original image. Boxes may leave the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mot.detections import Index, Tracks
from mot.files import whole_file
from mot.geometry import xyxy_to_xywh
from mot.seqinfo import SeqInfo, read_length, read_seqinfo, write_seqinfo
from mot.table import Remark, SequenceError, read_table, refuse

__all__ = [
    "MotRows",
    "SeqInfo",
    "SequenceError",
    "format_row",
    "format_rows",
    "read_detections",
    "read_ground_truth",
    "read_length",
    "read_results",
    "read_seqinfo",
    "write_ground_truth",
    "write_results",
    "write_seqinfo",
]

_BOX = "frame,id,left,top,width,height"
_RESULT = f"{_BOX},score[,-1,-1,-1]"
_GROUND_TRUTH = f"{_BOX},mark,class,visibility"
_NAMES = (*_BOX.split(","), "score or mark", "column 8", "column 9", "column 10")

CLASSES = range(1, 14)  # of MOT16, 17 and 20; 1 = pedestrian
_MATCHES_NOBODY = "it can match nobody"
_LAST_FRAME = 2**31 - 1
_LARGEST_ID = 2**53  # beyond it, numbers with a fraction cannot tell every whole one; clocks and hashes serve as ids


@dataclass(frozen=True, kw_only=True)
class MotRows:
    """Rows of one text file, in the file's order; N rows."""

    frames: npt.NDArray[np.int64]  # (N,) from 1
    ids: npt.NDArray[np.int64]  # (N,) from 0, unique within a frame; -1 in detections, which have no identity
    boxes: npt.NDArray[np.float64]  # (N, 4) left, top, width, height; pixels, original image; sizes > 0
    scores: npt.NDArray[np.float64]  # (N,) confidence; in ground truth the mark, 0 = not to be scored
    classes: npt.NDArray[np.int64]  # (N,) ground truth: 1 = pedestrian, others as in MOT16 (Milan et al., table 1)
    visibilities: npt.NDArray[np.float64]  # (N,) ground truth: visible part of the box, 0..1

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: Index) -> MotRows:
        """The chosen rows."""
        return MotRows(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def between(self, first: int, last: int) -> MotRows:
        """The rows of frames ``first`` to ``last``, both included; frame numbers stay."""
        return self[(self.frames >= first) & (self.frames <= last)]


def read_results(path: Path, remark: Remark | None = None) -> MotRows:
    """Read a tracker's output: ``frame,id,left,top,width,height,score``, further columns are ignored.

    Args:
        remark: where given, what TrackEval 1.3 reads is read as it does, and it is told each kind of irregularity:
            see :func:`mot.table.read_table`; boxes without area, fractions of frames and ids (cut), unknown scores.

    Raises:
        SequenceError: the file cannot be read, or a line is malformed, or an id appears twice in a frame.
    """
    values, lines = read_table(path, _RESULT, remark=remark)
    return _to_rows(path, values, lines, classed=False, identities=True, remark=remark)


def read_ground_truth(path: Path, remark: Remark | None = None) -> MotRows:
    """Read ``gt.txt`` of MOT15 (7 columns, or 10 with world coordinates) or MOT16/17/20 (8 or 9 columns).

    Rows without a class are pedestrians (class 1), without a visibility fully visible. Ten columns or more hold
    classes where all of the eighth could be: whole numbers from 1 to 13.

    Args:
        remark: see :func:`read_results`.

    Raises:
        SequenceError: as :func:`read_results`.
    """
    values, lines = read_table(path, _GROUND_TRUTH, needed=8, remark=remark)
    width = values.shape[1]
    classed = width in (8, 9) or (width > 9 and bool(len(values)) and bool(np.isin(values[:, 7], CLASSES).all()))
    return _to_rows(path, values, lines, classed=classed, identities=True, remark=remark)


def read_detections(path: Path, remark: Remark | None = None) -> MotRows:
    """Read ``det.txt``: the columns of a result; ids are ignored and come back as -1.

    Args:
        remark: see :func:`read_results`.

    Raises:
        SequenceError: the file cannot be read or a line is malformed.
    """
    values, lines = read_table(path, _RESULT, remark=remark)
    values[:, 1] = -1
    return _to_rows(path, values, lines, classed=False, identities=False, remark=remark)


def write_results(path: Path, rows: MotRows) -> None:
    """Write ``frame,id,left,top,width,height,score,-1,-1,-1``; numbers lose nothing."""
    _write(path, ([*_box_columns(rows, i), "-1,-1,-1"] for i in range(len(rows))))


def write_ground_truth(path: Path, rows: MotRows) -> None:
    """Write ``frame,id,left,top,width,height,mark,class,visibility``; numbers lose nothing."""
    _write(
        path,
        ([*_box_columns(rows, i), str(rows.classes[i]), _number(rows.visibilities[i])] for i in range(len(rows))),
    )


def format_rows(frame: int, tracks: Tracks) -> str:
    """Result lines of one frame, each ended by a newline: boxes with two decimals, scores with four."""
    boxes = xyxy_to_xywh(tracks.boxes.astype(np.float64))
    columns = zip(tracks.ids.tolist(), boxes.tolist(), tracks.scores.tolist(), strict=True)
    return "".join(format_row(frame, *row) for row in columns)


def format_row(frame: int, track: int, box: Sequence[float], score: float) -> str:
    """One line of :func:`format_rows`; the box is left, top, width, height."""
    left, top, width, height = box
    return f"{frame},{track},{left:.2f},{top:.2f},{width:.2f},{height:.2f},{score:.4f},-1,-1,-1\n"


def _to_rows(
    path: Path,
    values: npt.NDArray[np.float64],
    lines: list[int],
    *,
    classed: bool,
    identities: bool,
    remark: Remark | None,
) -> MotRows:
    """Check (N, 7 or more) numbers and give them their types; ``remark`` takes what TrackEval overlooks."""
    whole = (0, 1, 7) if classed else (0, 1)
    _check_numbers(path, values, lines, whole, remark)
    values[:, whole] = np.trunc(values[:, whole])
    if identities:
        if remark:
            _count_from_the_end(path, values, lines, remark)
        _check_identities(path, values[:, :2].astype(np.int64), lines)
    count = len(values)
    return MotRows(
        frames=values[:, 0].astype(np.int64),
        ids=values[:, 1].astype(np.int64),
        boxes=values[:, 2:6].copy(),
        scores=values[:, 6].copy(),
        classes=values[:, 7].astype(np.int64) if classed else np.ones(count, np.int64),
        visibilities=values[:, 8].copy() if classed and values.shape[1] > 8 else np.ones(count),
    )


def _check_numbers(
    path: Path, values: npt.NDArray[np.float64], lines: list[int], whole: Sequence[int], remark: Remark | None
) -> None:
    """Refuse what no row may hold; columns ``whole`` are counts."""

    def check(bad: npt.NDArray[np.bool_], column: int, complaint: str, overlooked: str = "") -> None:
        if not bad.any():
            return
        row = int(bad.argmax())
        fault = f"{_NAMES[column]} is {_number(values[row, column])}, {complaint}"
        if not (remark and overlooked):
            refuse(path, lines[row], fault)
        rows = f"; {bad.sum()} such rows" if bad.sum() > 1 else ""
        remark(f"{path}:{lines[row]}: {fault}: {overlooked}{rows}")

    for column in range(min(values.shape[1], len(_NAMES))):
        overlooked = "not looked at" if column >= 6 and column not in whole else ""
        infinite = np.isinf(values[:, column]) & (column in (4, 5))
        check(infinite, column, "not a finite number", _MATCHES_NOBODY)
        check(~np.isfinite(values[:, column]) & ~infinite, column, "not a finite number", overlooked)
    for column in whole:
        check(values[:, column] != np.round(values[:, column]), column, "not a whole number", "the fraction is cut off")
        largest = _LAST_FRAME if column == 0 else _LARGEST_ID
        check(np.abs(values[:, column]) > largest, column, f"beyond {largest}; number from 1")
    check(values[:, 0] < 1, 0, "frames start at 1; add 1 to all frames of a file that counts from 0")
    for column in (4, 5):
        check(values[:, column] <= 0, column, "a box must have a positive size", _MATCHES_NOBODY)


def _count_from_the_end(path: Path, values: npt.NDArray[np.float64], lines: list[int], remark: Remark) -> None:
    """Give negative ids in column 1 the meaning they have for TrackEval, whose tables they index from the end."""
    negative = values[:, 1] < 0
    if not negative.any():
        return
    row, end = int(negative.argmax()), values[:, 1].max() + 1
    if (values[negative, 1] + end >= 0).all():
        complaint = f"TrackEval takes it for {_number(values[row, 1] + end)}, counted from the largest id"
        remark(f"{path}:{lines[row]}: id is {_number(values[row, 1])}, a track's id must not be negative: {complaint}")
        values[negative, 1] += end


def _check_identities(path: Path, values: npt.NDArray[np.int64], lines: list[int]) -> None:
    """Refuse (N, 2) frames and ids in which an id is none, or is twice in a frame."""
    if (values[:, 1] < 0).any():
        row = int((values[:, 1] < 0).argmax())
        complaint = "a track's id must not be negative (detections without ids cannot be scored)"
        refuse(path, lines[row], f"id is {values[row, 1]}, {complaint}")
    _, first, inverse = np.unique(values, axis=0, return_index=True, return_inverse=True)
    repeated = first[inverse] != np.arange(len(values))
    if repeated.any():
        row = int(repeated.argmax())
        frame, track = values[row].tolist()
        refuse(path, lines[row], f"id {track} is already in frame {frame} (line {lines[first[inverse[row]]]})")


def _number(value: float) -> str:
    """The shortest decimal text that reads back as the same number: 3, 0.25."""
    return np.format_float_positional(value, trim="-")


def _box_columns(rows: MotRows, i: int) -> list[str]:
    numbers = (*rows.boxes[i], rows.scores[i])
    return [str(rows.frames[i]), str(rows.ids[i]), *(_number(number) for number in numbers)]


def _write(path: Path, rows: Iterable[list[str]]) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(",".join(row) + "\n" for row in rows)
