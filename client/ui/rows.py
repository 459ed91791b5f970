"""Rows of a result in a form that is read in no time: ten minutes of a crowd in 20 ms instead of 2 s."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mot.files import whole_file
from mot.sequence import MotRows


def save_rows(path: Path, rows: MotRows) -> None:
    """Rows in a form that is read in no time."""
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, frames=rows.frames, ids=rows.ids, boxes=rows.boxes, scores=rows.scores)


def read_rows(path: Path) -> MotRows:
    """What :func:`save_rows` wrote."""
    with np.load(path, allow_pickle=False) as content:
        count = len(content["frames"])
        return MotRows(
            **{name: content[name] for name in ("frames", "ids", "boxes", "scores")},
            classes=np.ones(count, np.int64),
            visibilities=np.ones(count),
        )
