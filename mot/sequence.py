"""MOTChallenge's files: rows of boxes (``gt.txt``, ``det.txt``, results) and ``seqinfo.ini``.

Frames and pixels are as the files have them: frames from 1, boxes as left, top, width, height in pixels
of the original image. Boxes may leave the image.
"""

from __future__ import annotations

import configparser
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from mot.detections import Index, Tracks
from mot.errors import MotError
from mot.files import whole_file
from mot.geometry import xyxy_to_xywh

_BOX = "frame,id,left,top,width,height"
_RESULT = f"{_BOX},score[,-1,-1,-1]"
_GROUND_TRUTH = f"{_BOX},mark,class,visibility"
_NAMES = (*_BOX.split(","), "score or mark", "column 8", "column 9", "column 10")

_LARGEST = 2**31 - 1  # for frames and ids


class SequenceError(MotError, ValueError):
    """A MOTChallenge file is missing or malformed; the message names the file, the line or key and the value."""


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


def read_results(path: Path) -> MotRows:
    """Read a tracker's output: ``frame,id,left,top,width,height,score``, further columns are ignored.

    Raises:
        SequenceError: the file cannot be read, or a line is malformed, or an id appears twice in a frame.
    """
    values, lines = _read_table(path, _RESULT)
    return _to_rows(path, values, lines, classed=False, identities=True)


def read_ground_truth(path: Path) -> MotRows:
    """Read ``gt.txt`` of MOT15 (7 columns, or 10 with world coordinates) or MOT16/17/20 (8 or 9 columns).

    Rows without a class are pedestrians (class 1), without a visibility fully visible.

    Raises:
        SequenceError: as :func:`read_results`.
    """
    values, lines = _read_table(path, _GROUND_TRUTH)
    return _to_rows(path, values, lines, classed=values.shape[1] in (8, 9), identities=True)


def read_detections(path: Path) -> MotRows:
    """Read ``det.txt``: the columns of a result; ids are ignored and come back as -1.

    Raises:
        SequenceError: the file cannot be read or a line is malformed.
    """
    values, lines = _read_table(path, _RESULT)
    values[:, 1] = -1
    return _to_rows(path, values, lines, classed=False, identities=False)


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
    return "".join(
        f"{frame},{track},{left:.2f},{top:.2f},{width:.2f},{height:.2f},{score:.4f},-1,-1,-1\n"
        for track, (left, top, width, height), score in zip(
            tracks.ids.tolist(), boxes.tolist(), tracks.scores.tolist(), strict=True
        )
    )


@dataclass(frozen=True, kw_only=True)
class SeqInfo:
    """What ``seqinfo.ini`` says of a sequence."""

    name: str  # one path component, no separator
    image_dir: str = "img1"  # relative to the sequence's folder
    frame_rate: float  # frames per second
    length: int  # frames
    width: int  # pixels
    height: int  # pixels
    extension: str = ".jpg"  # of the images, with its dot


_KEYS = {
    "name": "name",
    "image_dir": "imDir",
    "frame_rate": "frameRate",
    "length": "seqLength",
    "width": "imWidth",
    "height": "imHeight",
    "extension": "imExt",
}


def read_seqinfo(path: Path) -> SeqInfo:
    """Read ``seqinfo.ini``.

    Raises:
        SequenceError: the file cannot be read, or a key is missing, not a positive number, or a path that
            leaves the sequence's folder.
    """
    # No interpolation: a per cent sign in a name is only a character.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_read_text(path))
    except configparser.Error as error:
        raise SequenceError(f"{path}: not an ini file: {error.message}") from error
    if not parser.has_section("Sequence"):
        raise SequenceError(f"{path}: section [Sequence] is missing")
    section = parser["Sequence"]
    for key in _KEYS.values():
        if not section.get(key, "").strip():
            raise SequenceError(f"{path}: key {key} is missing or empty in section [Sequence]")

    return SeqInfo(
        name=_inner_path(path, section, "name", depth=1),
        image_dir=_inner_path(path, section, "imDir", depth=8),
        frame_rate=_positive(path, section, "frameRate"),
        length=_positive_whole(path, section, "seqLength"),
        width=_positive_whole(path, section, "imWidth"),
        height=_positive_whole(path, section, "imHeight"),
        extension=section["imExt"],
    )


def write_seqinfo(path: Path, info: SeqInfo) -> None:
    """Write ``seqinfo.ini``; the file appears whole or not at all."""
    values = {key: getattr(info, name) for name, key in _KEYS.items()}
    values["frameRate"] = _number(info.frame_rate)
    with whole_file(path) as temporary:
        temporary.write_text("[Sequence]\n" + "".join(f"{key}={value}\n" for key, value in values.items()), "utf-8")


def _positive(path: Path, section: configparser.SectionProxy, key: str) -> float:
    try:
        value = float(section[key])
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise SequenceError(f"{path}: key {key} is {section[key]!r}, not a positive number")
    return value


def _positive_whole(path: Path, section: configparser.SectionProxy, key: str) -> int:
    value = _positive(path, section, key)
    if value != int(value):
        raise SequenceError(f"{path}: key {key} is {section[key]!r}, not a whole number")
    return int(value)


def _inner_path(path: Path, section: configparser.SectionProxy, key: str, depth: int) -> str:
    """A relative path of at most ``depth`` parts that cannot leave its folder: files are named after it."""
    parts = PurePosixPath(section[key].replace("\\", "/")).parts
    if not parts or ".." in parts or "/" in parts or len(parts) > depth:
        raise SequenceError(f"{path}: key {key} is {section[key]!r}; expected a name inside the sequence's folder")
    return section[key]


def _read_text(path: Path) -> str:
    """The file's text, without a byte order mark."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SequenceError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise SequenceError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from error


def _read_table(path: Path, layout: str) -> tuple[npt.NDArray[np.float64], list[int]]:
    """Comma-separated finite numbers: (N, 7..10) values and the line number of each row; empty lines are skipped."""
    rows: list[list[float]] = []
    lines: list[int] = []
    for line, text in enumerate(_read_text(path).splitlines(), start=1):
        if not text.strip():
            continue
        cells = text.split(",")
        if not 7 <= len(cells) <= 10:
            _refuse(path, line, f"{len(cells)} columns, expected 7 to 10 separated by commas: {layout}")
        if rows and len(cells) != len(rows[0]):
            _refuse(path, line, f"{len(cells)} columns where line {lines[0]} has {len(rows[0])}; is the file cut?")
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            _refuse(path, line, f"{text.strip()!r} holds something that is not a number; expected {layout}")
        lines.append(line)
    return np.array(rows, np.float64).reshape(len(rows), len(rows[0]) if rows else 7), lines


def _to_rows(
    path: Path, values: npt.NDArray[np.float64], lines: list[int], *, classed: bool, identities: bool
) -> MotRows:
    """Check (N, 7..10) numbers and give them their types."""

    def check(bad: npt.NDArray[np.bool_], column: int, complaint: str) -> None:
        if bad.any():
            row = int(bad.argmax())
            _refuse(path, lines[row], f"{_NAMES[column]} is {_number(values[row, column])}, {complaint}")

    for column in range(values.shape[1]):
        check(~np.isfinite(values[:, column]), column, "not a finite number")
    for column in (0, 1, 7) if classed else (0, 1):
        check(values[:, column] != np.round(values[:, column]), column, "not a whole number")
        check(np.abs(values[:, column]) > _LARGEST, column, f"beyond {_LARGEST}")
    check(values[:, 0] < 1, 0, "frames start at 1")
    for column in (4, 5):
        check(values[:, column] <= 0, column, "a box must have a positive size")
    if identities:
        check(values[:, 1] < 0, 1, "a track's id must not be negative (detections without ids cannot be scored)")
        _, first, inverse = np.unique(values[:, :2], axis=0, return_index=True, return_inverse=True)
        repeated = first[inverse] != np.arange(len(values))
        if repeated.any():
            row = int(repeated.argmax())
            frame, track = values[row, :2].astype(int)
            _refuse(path, lines[row], f"id {track} is already in frame {frame} (line {lines[first[inverse[row]]]})")
    count = len(values)
    return MotRows(
        frames=values[:, 0].astype(np.int64),
        ids=values[:, 1].astype(np.int64),
        boxes=values[:, 2:6].copy(),
        scores=values[:, 6].copy(),
        classes=values[:, 7].astype(np.int64) if classed else np.ones(count, np.int64),
        visibilities=values[:, 8].copy() if classed and values.shape[1] == 9 else np.ones(count),
    )


def _refuse(path: Path, line: int, complaint: str) -> NoReturn:
    raise SequenceError(f"{path}:{line}: {complaint}")


def _number(value: float) -> str:
    """The shortest decimal text that reads back as the same number: 3, 0.25."""
    return np.format_float_positional(value, trim="-")


def _box_columns(rows: MotRows, i: int) -> list[str]:
    numbers = (*rows.boxes[i], rows.scores[i])
    return [str(rows.frames[i]), str(rows.ids[i]), *(_number(number) for number in numbers)]


def _write(path: Path, rows: Iterable[list[str]]) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(",".join(row) + "\n" for row in rows)
