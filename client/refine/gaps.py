"""Frames in which a track has no row, between two in which it has, filled linearly.

ByteTrack does it for its benchmark results (Zhang et al., ECCV 2022).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from client.refine.paths import by_frame, paths
from mot.sequence import MotRows


def fill_gaps(rows: MotRows, max_gap: int) -> MotRows:
    """Add the rows that are missing in gaps of at most ``max_gap`` frames.

    Boxes and scores lie on the line between both ends; boxes are rounded to hundredths of a pixel, as `mot track`
    writes them. Rows that exist stay as they are.
    """
    return by_frame((_filled(path, max_gap) for path in paths(rows)), rows)


def _filled(path: MotRows, max_gap: int) -> MotRows:
    steps = np.diff(path.frames)
    short = np.flatnonzero((steps > 1) & (steps <= max_gap + 1))
    if not len(short):
        return path
    missing = np.concatenate([np.arange(path.frames[i] + 1, path.frames[i + 1]) for i in short])

    def between(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        filled: npt.NDArray[np.float64] = np.interp(missing, path.frames, values)
        return filled

    boxes = np.stack([between(column) for column in path.boxes.T], axis=1)
    boxes[:, 2:] = boxes[:, 2:].clip(min=0.01)  # a size must not be rounded to nothing
    added = dataclasses.replace(
        path[np.searchsorted(path.frames, missing) - 1],  # the row before, for what does not change on the way
        frames=missing,
        boxes=boxes.round(2),
        scores=between(path.scores).round(4),
    )
    return by_frame([path, added], path)
