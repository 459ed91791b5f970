"""The text of a refined result: rows that have not changed keep theirs, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mot.sequence import MotRows
from mot.table import read_text


def read_lines(path: Path) -> list[str]:
    """The lines that :func:`mot.sequence.read_results` makes rows of, in its order."""
    return [line for line in read_text(path).splitlines() if line.strip()]


def refined_lines(lines: Sequence[str], given: MotRows, refined: MotRows) -> Iterator[str]:
    """A line for each refined row, ended by a newline, with as many columns as the others.

    Args:
        lines: of the rows of ``given``, as they were read; their ids may be others.
        refined: by frame and id; a row of a frame and id that ``given`` lacks is new.
    """
    places = {key: place for place, key in enumerate(_keys(given))}
    for key, box, score in zip(_keys(refined), refined.boxes.tolist(), refined.scores.tolist(), strict=True):
        place = places.get(key)
        if place is None:
            others = len(lines[0].split(",")) - 7
            cells = [*map(str, key), *map(_pixels, box), f"{score:.4f}", *["-1"] * others]
        else:
            cells = lines[place].strip().split(",")
            if float(cells[1]) != key[1]:
                cells[1] = str(key[1])
            if box != given.boxes[place].tolist():
                cells[2:6] = map(_pixels, box)
        yield ",".join(cells) + "\n"


def _keys(rows: MotRows) -> Iterator[tuple[int, int]]:
    return zip(rows.frames.tolist(), rows.ids.tolist(), strict=True)


def _pixels(value: float) -> str:
    return f"{value:.2f}"
