"""JDE's label files.

A label file stands beside its image (``images`` -> ``labels_with_ids``, suffix ``.txt``) and has a row
``class id xc yc w h`` per person: centre and size as fractions of the image, id -1 where unknown.
Class 0 is a pedestrian; class -1 is ours: a region that training neither rewards nor punishes.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mot.errors import MotError, shortened, shown
from mot.files import no_text, read_bytes, text_of
from training.data.placement import place_text

PERSON, IGNORE = 0, -1
_LARGEST, _SMALLEST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
LARGEST_ID = 2**24 - 1  # beyond it float32, in which rows are kept, has no room for every whole number

Labels = npt.NDArray[np.float32]  # (M, 6) class, id, xc, yc, w, h


class DataError(MotError):
    """A data set's file is missing or malformed; the message gives file, line and remedy."""


def label_path(image: Path) -> Path:
    """Where the labels of an image stand; the last folder named ``images`` counts."""
    return Path(label_file(str(image)))


def label_file(image: str) -> str:
    """:func:`label_path` for text: data sets have many files, and a Path is slow to make."""
    head, folder, tail = f"/{image}".rpartition("/images/")
    if not folder:
        raise DataError(f"{image}: no folder named 'images' in the path, so its labels cannot be found")
    return f"{head}/labels_with_ids/{os.path.splitext(tail)[0]}.txt"[1:]  # noqa: PTH122


def read_labels(path: Path) -> Labels:
    """(M, 6) rows of a label file; an empty file is an image without people.

    Raises:
        DataError: the file is missing or a line is malformed.
    """
    rows = []
    for number, line in enumerate(read_text(path, "an image without people needs an empty file").splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(parse_row(line))
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from error
    return np.array(rows, np.float32).reshape(-1, 6)


def parse_row(line: str) -> list[float]:
    """The six numbers of a line.

    Raises:
        ValueError: it is no row of a label file; the message says why, but not where it stands.
    """
    try:
        row = [float(value) for value in line.split()]
    except ValueError as error:
        raise ValueError(f"{shortened(str(error))}; expected 'class id xc yc w h'") from error
    # As float32, in which rows are kept, has them: neither infinite nor nothing.
    if len(row) != 6 or not all(abs(value) <= _LARGEST for value in row) or row[4] < _SMALLEST or row[5] < _SMALLEST:
        raise ValueError(f"{shown(line)} is not 'class id xc yc w h' with a positive size")
    if row[0] not in (PERSON, IGNORE):
        raise ValueError(f"class {row[0]:g}; only {PERSON} (person) and {IGNORE} (ignored) are known")
    if row[1] != int(row[1]) or not -1 <= row[1] <= LARGEST_ID:
        raise ValueError(f"id {row[1]:g}; expected a whole number up to {LARGEST_ID}, or -1 where it is unknown")
    return row


def write_labels(path: Path, rows: Labels) -> None:
    """Write (M, 6) rows; the file appears whole or not at all, and stays untouched if it holds them already."""
    place_text(
        path, "".join(f"{int(r[0])} {int(r[1])} {r[2]:.6f} {r[3]:.6f} {r[4]:.6f} {r[5]:.6f}\n" for r in rows.tolist())
    )


def read_text(path: Path, remedy: str) -> str:
    """A data set's text file.

    Raises:
        DataError: it cannot be read (then ``remedy`` is named) or is no text.
    """
    try:
        return text_of(read_bytes(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; {remedy}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: {no_text(error)}") from error
