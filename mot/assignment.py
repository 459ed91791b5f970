"""Pairs of rows and columns with the largest sum: a plain assignment, where nothing is compiled for speed."""

from __future__ import annotations

import lap
import numpy as np
import numpy.typing as npt


def best_pairs(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """(P, 2) row and column of each pair, by row: each at most once, values above 0 only, their sum the largest.

    By lap's Jonker-Volgenant algorithm ("A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment
    Problems", 1987), for which a pair that is not worth it costs nothing.

    Args:
        values: (N, M) finite; what is 0 or less is never a pair.
    """
    possible = values > 0
    if not possible.any():
        return np.zeros((0, 2), np.int64)
    costs = np.where(possible, -values, 0)
    _, columns, _ = lap.lapjv(costs, extend_cost=True)
    rows = np.flatnonzero(columns >= 0)
    pairs = np.stack([rows, columns[rows]], axis=1).astype(np.int64)
    return pairs[possible[pairs[:, 0], pairs[:, 1]]]
