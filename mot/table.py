"""Numbers in lines of text, as MOTChallenge's files have them; a byte order mark is no part of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from mot.errors import MotError, shown
from mot.files import no_text, read_bytes, text_of

Remark = Callable[[str], None]  # takes a sentence for people: file, line, what is irregular and how it is read

_MOST = 10  # columns that a file should have
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", ":": "colons", " ": "spaces"}


class SequenceError(MotError, ValueError):
    """A MOTChallenge file is missing or malformed; the message names the file, the line or key and the value."""


def read_text(path: Path) -> str:
    """The file's text, UTF-8, or UTF-16 where its byte order mark says so (Windows' PowerShell writes it).

    Raises:
        SequenceError: the file cannot be read, or holds something else than text.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        raise SequenceError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    try:
        return text_of(data)
    except UnicodeDecodeError as error:
        raise SequenceError(f"{path}: {no_text(error)}") from error


def read_table(
    path: Path, layout: str, *, needed: int = 7, remark: Remark | None = None
) -> tuple[npt.NDArray[np.float64], list[int]]:
    """(N, 7 or more) numbers, and the line number of each row; empty lines are skipped.

    Numbers are separated by commas, in 7 to 10 columns, as many in each row. With ``remark``, what TrackEval's reader
    takes as well is read, too, and said: other separators (those of the first line count), one at the end of a line,
    quotes, further columns, and rows of different lengths, which are cut to the shortest.

    Args:
        layout: names of the columns, for messages.
        needed: columns that rows of different lengths must have all the same.

    Raises:
        SequenceError: the file cannot be read or a line is malformed.
    """
    rows: list[list[float]] = []
    lines: list[int] = []
    separator = ","
    ended = False
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        if remark:
            text = text.replace('"', "")
        if not text.strip():
            continue
        if remark and not rows:
            separator = next(one for one in _SEPARATORS if one in text.strip() or one == " ")
            if separator != ",":
                remark(f"{path}: columns are separated by {_SEPARATORS[separator]}, not by commas")
        cells = text.split() if separator == " " else text.split(separator)
        if remark and len(cells) > 7 and not cells[-1].strip():
            del cells[-1]
            ended = True
        if not 7 <= len(cells) <= (len(cells) if remark else _MOST):
            refuse(path, line, f"{len(cells)} columns, expected 7 to {_MOST} separated by commas: {layout}")
        if rows and len(cells) != len(rows[0]) and (remark is None or min(len(cells), len(rows[0])) < needed):
            refuse(path, line, f"{len(cells)} columns where line {lines[0]} has {len(rows[0])}; is the file cut?")
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            refuse(path, line, f"{shown(text.strip())} holds something that is not a number; expected {layout}")
        lines.append(line)
    counts = sorted({len(row) for row in rows})
    if remark and counts:
        if ended:
            remark(f"{path}: lines end with a separator; the empty column behind it is left out")
        if len(counts) > 1:
            remark(f"{path}: lines have {counts[0]} to {counts[-1]} columns; the first {counts[0]} are read")
        if counts[-1] > _MOST:
            remark(f"{path}: lines have up to {counts[-1]} columns; those behind the {_MOST}th are not read")
    width = counts[0] if counts else 7
    return np.array([row[:width] for row in rows], np.float64).reshape(len(rows), width), lines


def refuse(path: Path, line: int, complaint: str) -> NoReturn:
    """Raise :class:`SequenceError` about a line."""
    raise SequenceError(f"{path}:{line}: {complaint}")
