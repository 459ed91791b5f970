"""client.tracking.assignment against an exhaustive solution, scipy's and lap's."""

from __future__ import annotations

from itertools import permutations

import lap
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from client.tracking.assignment import assign


def total(cost: np.ndarray, pairs: list[tuple[int, int]], limit: float) -> float:
    """What an assignment costs: its pairs, and the limit for each pair that could have been and is not."""
    return sum(cost[pair] for pair in pairs) - limit * len(pairs)


def best(cost: np.ndarray, limit: float) -> float:
    """The least total over every assignment of a small matrix."""
    rows, columns = cost.shape
    if rows > columns:
        return best(cost.T, limit)
    options = (
        [(row, column) for row, column in enumerate(chosen) if cost[row, column] < limit]
        for chosen in permutations(range(columns), rows)
    )
    return min((total(cost, pairs, limit) for pairs in options), default=0.0)


def check(cost: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """The pairs, which are found to be allowed and to use each row and column once."""
    taken = assign(np.ascontiguousarray(cost, np.float64), limit)
    assert taken.shape == (len(cost),) and taken.min(initial=-1) >= -1
    pairs = [(row, column) for row, column in enumerate(taken.tolist()) if column >= 0]
    assert len({column for _, column in pairs}) == len(pairs)
    assert all(cost[pair] < limit for pair in pairs)
    return pairs


@given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 2**31), st.floats(0, 1))
def test_is_the_best_of_all(rows: int, columns: int, seed: int, forbidden: float) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.random((rows, columns))
    cost[rng.random(cost.shape) < forbidden] = np.inf
    assert total(cost, check(cost, 0.6), 0.6) == pytest.approx(best(cost, 0.6))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**31))
def test_is_the_best_where_many_cost_the_same(rows: int, columns: int, seed: int) -> None:
    cost = np.random.default_rng(seed).integers(-2, 4, (rows, columns)) / 4
    assert total(cost, check(cost, 0.5), 0.5) == pytest.approx(best(cost, 0.5))


@pytest.mark.parametrize(("rows", "columns", "power"), [(30, 40, 0.3), (40, 30, 1), (60, 60, 3)])
def test_equals_clipping_and_solving_the_whole(rows: int, columns: int, power: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        cost = rng.random((rows, columns)) ** power
        whole = linear_sum_assignment(np.minimum(cost, 0.4))
        assert check(cost, 0.4) == [
            (r, c) for r, c in zip(*map(np.ndarray.tolist, whole), strict=True) if cost[r, c] < 0.4
        ]


def test_equals_lap() -> None:
    rng = np.random.default_rng(1)
    for _ in range(40):
        cost = rng.random((50, 45))
        _, columns, _ = lap.lapjv(cost, extend_cost=True, cost_limit=0.1)
        assert check(cost, 0.1) == [(r, c) for r, c in enumerate(columns.tolist()) if c >= 0]


def test_two_fair_pairs_beat_one_good_one() -> None:
    assert check(np.array([[0.0, 0.2], [0.1, np.inf]]), 0.5) == [(0, 1), (1, 0)]


def test_one_good_pair_beats_two_hardly_allowed() -> None:
    assert check(np.array([[0.0, 0.49], [0.49, np.inf]]), 0.5) == [(0, 0)]


def test_a_chain_of_rows_gives_way() -> None:
    """Each row would like the column before its own; the last one's arrival moves all of them."""
    cost = np.full((5, 5), np.inf)
    for k in range(4):
        cost[k, k], cost[k, k + 1] = 0.1, 0.2
    cost[4, 0] = 0.05
    assert check(cost, 1) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]


def test_the_limit_itself_is_not_allowed() -> None:
    assert check(np.array([[0.5]]), 0.5) == []


def test_nan_is_not_allowed() -> None:
    assert check(np.array([[np.nan, 0.1]]), 0.5) == [(0, 1)]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_match(shape: tuple[int, int]) -> None:
    assert check(np.zeros(shape), 0.5) == []


def test_everything_forbidden() -> None:
    assert check(np.full((3, 4), np.inf), 0.5) == []
