"""Which track takes which detection."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from client.tracking.compiled import compiled


@compiled
def assign(cost: npt.NDArray[np.float64], limit: float) -> npt.NDArray[np.int64]:
    """Match rows to columns of (R, C) ``cost`` so that the sum over all is least, each pair below ``limit``.

    Leaving a row and a column unmatched costs ``limit`` together, so that a cheap pair is never given up
    for two that are hardly allowed. Forbidden pairs may be infinite.

    Exact, by shortest augmenting paths (Jonker and Volgenant, "A Shortest Augmenting Path Algorithm for Dense
    and Sparse Linear Assignment Problems", 1987) over the allowed pairs alone. In most frames nearly all rows
    get their cheapest column at once, and only the few that want the same one search for a path.

    Returns:
        (R,) the column of each row, -1 for none.
    """
    rows, columns = cost.shape
    # Allowed pairs, row by row: what each costs more (less, as it is negative) than being left alone.
    begins = np.empty(rows + 1, np.int64)
    count = 0
    for i in range(rows):
        for j in range(columns):
            count += cost[i, j] < limit
    pair_columns, pair_costs = np.empty(count, np.int64), np.empty(count)
    # Dual prices keep pair_cost - row_price - column_price >= 0 everywhere and 0 on matched pairs.
    row_prices, column_prices = np.zeros(rows), np.zeros(columns)
    column_of, row_of = np.full(rows, -1), np.full(columns, -1)
    contested = 0
    waiting = np.empty(rows, np.int64)
    count = 0
    for i in range(rows):
        begins[i] = count
        best = -1
        for j in range(columns):
            if cost[i, j] < limit:
                pair_columns[count], pair_costs[count] = j, cost[i, j] - limit
                if pair_costs[count] < row_prices[i]:
                    row_prices[i], best = pair_costs[count], j
                count += 1
        if best >= 0 and row_of[best] < 0:
            column_of[i], row_of[best] = best, i
        elif best >= 0:
            waiting[contested] = i
            contested += 1
    begins[rows] = count
    distances, previous = np.full(columns, np.inf), np.empty(columns, np.int64)
    reached, scanned = np.empty(columns, np.int64), np.zeros(columns, np.bool_)
    for begin in waiting[:contested]:
        # Dijkstra from a row over alternating paths; each ends at a free column, or by leaving its last row alone.
        many, row, distance = 0, begin, 0.0
        alone_distance, alone, end = np.inf, -1, -1
        while True:
            if distance - row_prices[row] < alone_distance:
                alone_distance, alone = distance - row_prices[row], row
            for k in range(begins[row], begins[row + 1]):
                j = pair_columns[k]
                if scanned[j]:
                    continue
                through = distance + pair_costs[k] - row_prices[row] - column_prices[j]
                if through < distances[j]:
                    if distances[j] == np.inf:
                        reached[many] = j
                        many += 1
                    distances[j], previous[j] = through, row
            nearest, distance = -1, alone_distance
            for k in range(many):
                j = reached[k]
                if not scanned[j] and distances[j] < distance:
                    nearest, distance = j, distances[j]
            if nearest < 0:
                break
            if row_of[nearest] < 0:
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
        if end < 0:
            end = column_of[alone]
            column_of[alone] = -1
            if alone == begin:
                continue
        while True:  # hand each column on the path to the row that reached it
            row = previous[end]
            row_of[end] = row
            end, column_of[row] = column_of[row], end
            if row == begin:
                break
    return column_of
