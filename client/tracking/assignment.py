"""Which track takes which detection."""

from __future__ import annotations

from typing import NamedTuple

import lap
import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.intp]


class Assignment(NamedTuple):
    """The cheapest pairs, and who is left over; all ascending."""

    rows: Indices  # (P,) matched rows
    columns: Indices  # (P,) their columns
    free_rows: Indices
    free_columns: Indices


def assign(cost: npt.NDArray[np.float64], limit: float) -> Assignment:
    """Match rows to columns of (R, C) ``cost`` so that the sum over all is least, each pair below ``limit``.

    Leaving a row and a column unmatched costs ``limit`` together, so that a cheap pair is never given up
    for two that are hardly allowed. Forbidden pairs may be infinite.
    """
    allowed = cost < limit
    taken = np.full(len(cost), -1)
    # A pair that can only have each other needs no solver: in most frames these are nearly all, and the
    # solver's matrix grows with the square of what is left.
    lonely: npt.NDArray[np.bool_] = allowed & (allowed.sum(axis=1) == 1)[:, None] & (allowed.sum(axis=0) == 1)
    rows, columns = np.nonzero(lonely)
    taken[rows] = columns
    allowed &= ~lonely
    rows, columns = np.flatnonzero(allowed.any(axis=1)), np.flatnonzero(allowed.any(axis=0))
    if len(rows):
        block = np.ix_(rows, columns)
        contested = np.where(allowed[block], cost[block], limit + 1)
        _, column_of_row, _ = lap.lapjv(contested, extend_cost=True, cost_limit=limit)
        won = column_of_row >= 0
        taken[rows[won]] = columns[column_of_row[won]]
    matched = taken >= 0
    free_columns = np.ones(cost.shape[1], np.bool_)
    free_columns[taken[matched]] = False
    return Assignment(
        rows=np.flatnonzero(matched),
        columns=taken[matched],
        free_rows=np.flatnonzero(~matched),
        free_columns=np.flatnonzero(free_columns),
    )
