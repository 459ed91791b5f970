"""Which track takes which detection.

Exact, by shortest augmenting paths (Jonker and Volgenant, "A Shortest Augmenting Path Algorithm for Dense and Sparse
Linear Assignment Problems", 1987) over the allowed pairs alone. In most frames nearly all rows get their cheapest
column at once, and only the few that want the same one search for a path.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from client.tracking.compiled import compiled
from client.tracking.records import Array, Rows


class _Pairs(NamedTuple):
    """The allowed pairs, row by row."""

    begins: Rows  # (R + 1,) row i has the pairs begins[i] to begins[i + 1]
    columns: Rows
    costs: Array  # what each costs more (less, as it is negative) than being left alone


class _Matched(NamedTuple):
    """Who has whom, -1 for none, and the dual prices.

    These keep pair cost - row price - column price >= 0 everywhere and 0 on matched pairs.
    """

    column_of: Rows  # (R,)
    row_of: Rows  # (C,)
    row_prices: Array
    column_prices: Array


class _Reach(NamedTuple):
    """What a search has come to, by column; between searches all are infinitely far and none is scanned."""

    distances: Array
    previous: Rows  # the row from which each was reached
    reached: Rows  # the columns that were, in order
    scanned: npt.NDArray[np.bool_]


@compiled
def assign(cost: Array, limit: float) -> Rows:
    """Match rows to columns of (R, C) ``cost`` so that the sum over all is least, each pair below ``limit``.

    Leaving a row and a column unmatched costs ``limit`` together, so that a cheap pair is never given up
    for two that are hardly allowed. Forbidden pairs may be infinite.

    Returns:
        (R,) the column of each row, -1 for none.
    """
    rows, columns = cost.shape
    pairs = _allowed(cost, limit)
    matched = _Matched(np.full(rows, -1), np.full(columns, -1), np.full(rows, 0.0), np.full(columns, 0.0))
    waiting = _take_cheapest(pairs, matched)
    reach = _Reach(
        np.full(columns, np.inf), np.empty(columns, np.int64), np.empty(columns, np.int64), np.zeros(columns, np.bool_)
    )
    for begin in waiting:
        end, alone = _search(begin, pairs, matched, reach)
        if end < 0:
            if alone == begin:
                continue
            end = matched.column_of[alone]
            matched.column_of[alone] = -1
        _hand_over(begin, end, matched, reach.previous)
    return matched.column_of


@compiled
def _allowed(cost: Array, limit: float) -> _Pairs:
    """The pairs below ``limit``."""
    rows, columns = cost.shape
    count = 0
    for i in range(rows):
        for j in range(columns):
            count += cost[i, j] < limit
    pairs = _Pairs(np.empty(rows + 1, np.int64), np.empty(count, np.int64), np.empty(count))
    count = 0
    for i in range(rows):
        pairs.begins[i] = count
        for j in range(columns):
            if cost[i, j] < limit:
                pairs.columns[count], pairs.costs[count] = j, cost[i, j] - limit
                count += 1
    pairs.begins[rows] = count
    return pairs


@compiled
def _take_cheapest(pairs: _Pairs, matched: _Matched) -> Rows:
    """Give each row its cheapest column, in order; returns the rows whose column somebody has already."""
    waiting, contested = np.empty(len(matched.column_of), np.int64), 0
    for i in range(len(matched.column_of)):
        best = -1
        for k in range(pairs.begins[i], pairs.begins[i + 1]):
            if pairs.costs[k] < matched.row_prices[i]:
                matched.row_prices[i], best = pairs.costs[k], pairs.columns[k]
        if best >= 0 and matched.row_of[best] < 0:
            matched.column_of[i], matched.row_of[best] = best, i
        elif best >= 0:
            waiting[contested] = i
            contested += 1
    return waiting[:contested]


@compiled
def _search(begin: int, pairs: _Pairs, matched: _Matched, reach: _Reach) -> tuple[int, int]:
    """Dijkstra from a row over alternating paths; each ends at a free column, or by leaving its last row alone.

    Returns:
        The free column at the end of the shortest path, or -1; and the row that it is best to leave alone.
    """
    distances, reached, scanned = reach.distances, reach.reached, reach.scanned
    row_prices, column_prices, row_of = matched.row_prices, matched.column_prices, matched.row_of
    many, row, distance = 0, begin, 0.0
    alone_distance, alone, end = np.inf, -1, -1
    while True:
        if distance - row_prices[row] < alone_distance:
            alone_distance, alone = distance - row_prices[row], row
        for k in range(pairs.begins[row], pairs.begins[row + 1]):
            j = pairs.columns[k]
            if scanned[j]:
                continue
            through = distance + pairs.costs[k] - row_prices[row] - column_prices[j]
            if through < distances[j]:
                if distances[j] == np.inf:
                    reached[many] = j
                    many += 1
                distances[j], reach.previous[j] = through, row
        nearest, distance = -1, alone_distance
        for k in range(many):
            j = reached[k]
            if not scanned[j] and distances[j] < distance:
                nearest, distance = j, distances[j]
        if nearest < 0 or row_of[nearest] < 0:
            end = nearest
            break
        scanned[nearest] = True
        row = row_of[nearest]
    row_prices[begin] += distance
    for k in range(many):
        j = reached[k]
        if scanned[j]:
            row_prices[row_of[j]] += distance - distances[j]
            column_prices[j] -= distance - distances[j]
        distances[j], scanned[j] = np.inf, False
    return end, alone


@compiled
def _hand_over(begin: int, end: int, matched: _Matched, previous: Rows) -> None:
    """Give each column on a path that ends with column ``end`` to the row that reached it, back to ``begin``."""
    row = -1
    while row != begin:
        row = previous[end]
        matched.row_of[end] = row
        end, matched.column_of[row] = matched.column_of[row], end
