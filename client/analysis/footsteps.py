"""Where each person stood in each frame: the rows of a result in the order in which counting needs them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mot.sequence import MotRows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Footsteps:
    """Foot points (the middle of a box's lower edge) by person and frame; N of them.

    Short gaps are filled on a straight line, so that within a run each row is one frame after the one before. A run
    is a person until a longer gap: what happened in that, nobody knows.
    """

    frames: Ints  # (N,) from 1
    ids: Ints  # (N,)
    runs: Ints  # (N,) from 0, ascending
    points: Floats  # (N, 2) x, y, pixels
    heights: Floats  # (N,) of the box, pixels

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def joined(self) -> Bools:
        """(N - 1,) whether a row and the next are of the same run."""
        return np.asarray(self.runs[1:] == self.runs[:-1])


def footsteps(rows: MotRows, max_gap: int) -> Footsteps:
    """The footsteps of a result; gaps of at most ``max_gap`` frames are filled."""
    order = np.lexsort((rows.frames, rows.ids))
    frames, ids, boxes = rows.frames[order], rows.ids[order], rows.boxes[order]
    columns = np.stack([boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3], boxes[:, 3]], axis=1)
    if not len(frames):
        return Footsteps(frames=frames, ids=ids, runs=ids, points=columns[:, :2], heights=columns[:, 2])
    steps = np.diff(frames)
    follows = (ids[1:] == ids[:-1]) & (steps <= max_gap + 1)
    runs = np.concatenate([[0], np.cumsum(~follows)])
    repeats = np.concatenate([np.where(follows, steps, 1), [1]])
    if (repeats == 1).all():
        return Footsteps(frames=frames, ids=ids, runs=runs, points=columns[:, :2].copy(), heights=columns[:, 2].copy())
    source = np.repeat(np.arange(len(frames)), repeats)
    passed = np.arange(len(source)) - np.repeat(np.cumsum(repeats) - repeats, repeats)  # frames since that row
    share = (passed / repeats[source])[:, None]
    following = np.minimum(source + 1, len(frames) - 1)
    filled = columns[source] + share * (columns[following] - columns[source])
    return Footsteps(
        frames=frames[source] + passed,
        ids=ids[source],
        runs=runs[source],
        points=filled[:, :2].copy(),
        heights=filled[:, 2].copy(),
    )
