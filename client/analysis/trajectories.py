"""The ways that people took: their foot points, thinned to what an eye or a ruler can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from client.analysis.footsteps import Floats
from mot.sequence import MotRows


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """The way of one person."""

    id: int
    points: Floats  # (P, 2) x, y of the foot points, pixels, by time; the first and the last are always there
    height: float  # mean of the person's boxes, pixels

    @property
    def length(self) -> float:
        """Pixels, from point to point."""
        return float(np.hypot(*np.diff(self.points, axis=0).T).sum()) if len(self.points) > 1 else 0.0


def trajectories(rows: MotRows, tolerance: float = 0.05) -> Iterator[Trajectory]:
    """Each person's way, by ascending id.

    Points are left out as long as the way stays within ``tolerance`` heights of the person of where it was (Douglas
    and Peucker, 1973). So a box that trembles does not walk for miles.
    """
    order = np.lexsort((rows.frames, rows.ids))
    ids, boxes = rows.ids[order], rows.boxes[order]
    feet = np.stack([boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3]], axis=1)
    borders = np.flatnonzero(np.diff(ids)) + 1
    for begin, end in zip([0, *borders], [*borders, len(ids)], strict=True):
        if begin == end:
            return  # no rows at all
        height = float(boxes[begin:end, 3].mean())
        yield Trajectory(id=int(ids[begin]), points=_thinned(feet[begin:end], tolerance * height), height=height)


def _thinned(points: Floats, tolerance: float) -> Floats:
    # OpenCV has single precision: relative to the first point, so that large coordinates lose nothing.
    shape = (points - points[0]).astype(np.float32)[:, None]
    kept: npt.NDArray[np.float32] = np.asarray(cv2.approxPolyDP(shape, tolerance, False)).reshape(-1, 2)
    return np.asarray(points[0] + kept, np.float64)
