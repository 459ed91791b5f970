"""Smoothed tracks: a straight line through each box's neighbours in time, nearer ones with more weight.

Gaussian-smoothed interpolation (Du et al., StrongSORT, IEEE TMM 2023) fits a Gaussian process to each track, whose
time grows with the cube of its length. A local line with Gaussian weights (local linear regression; Fan and Gijbels,
1996) does not pull ends towards the middle, takes the same time for each row, and is nearer to the truth on the
validation scenes (`tests/benchmarks/refine.py`).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from client.refine.paths import by_frame, paths
from mot.sequence import MotRows

REACH = 3  # standard deviations beyond which a neighbour has no say


def smooth(rows: MotRows, sigma: float) -> MotRows:
    """Every row's box smoothed over time, to hundredths of a pixel; frames, ids and scores stay.

    Args:
        sigma: standard deviation of the weights, in frames, > 0.
    """
    return by_frame((_smoothed(path, sigma) for path in paths(rows)), rows)


def _smoothed(path: MotRows, sigma: float) -> MotRows:
    if len(path) < 3:
        return path  # a line goes through two points as they are
    boxes = path.boxes.copy()
    boxes[:, :2] += boxes[:, 2:] / 2  # centres: a size that trembles must not move them
    boxes = _local_lines(path.frames, boxes, sigma)
    boxes[:, 2:] = boxes[:, 2:].clip(min=0.01)
    boxes[:, :2] -= boxes[:, 2:] / 2
    return dataclasses.replace(path, boxes=boxes.round(2))


def _local_lines(
    frames: npt.NDArray[np.int64], values: npt.NDArray[np.float64], sigma: float
) -> npt.NDArray[np.float64]:
    """(N, 4) values of N ascending frames, each replaced by what its own weighted line says there."""
    # Frames without a row have no weight; longer gaps than the weights reach are the same as just that long.
    reach = int(np.ceil(REACH * sigma))
    places = np.concatenate([[0], np.minimum(np.diff(frames), reach + 1).cumsum()])
    there = np.zeros(places[-1] + 1)
    there[places] = 1
    dense = np.zeros((len(there), values.shape[1]))
    dense[places] = values

    distance = np.arange(-reach, reach + 1, dtype=np.float64)
    weight = np.exp(-0.5 * (distance / sigma) ** 2)

    def moment(series: npt.NDArray[np.float64], order: int) -> npt.NDArray[np.float64]:
        padded = np.pad(series, ((reach, reach), (0, 0)))
        columns = [np.correlate(column, weight * distance**order, mode="valid") for column in padded.T]
        return np.asarray(np.stack(columns, axis=1)[places], np.float64)

    s0, s1, s2 = (moment(there[:, None], order) for order in range(3))
    t0, t1 = moment(dense, 0), moment(dense, 1)
    spread = s0 * s2 - s1**2
    alone = spread < 1e-9 * s0**2  # no neighbour within reach
    lines: npt.NDArray[np.float64] = np.where(alone, values, (s2 * t0 - s1 * t1) / np.where(alone, 1, spread))
    return lines
