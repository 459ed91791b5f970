"""client.tracking.assignment against an exhaustive and a scipy solution."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from client.tracking.assignment import Assignment, assign


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


def check(cost: np.ndarray, limit: float) -> Assignment:
    found = assign(cost, limit)
    assert sorted([*found.rows, *found.free_rows]) == list(range(cost.shape[0]))
    assert sorted([*found.columns, *found.free_columns]) == list(range(cost.shape[1]))
    assert (cost[found.rows, found.columns] < limit).all()
    return found


@given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 2**31), st.floats(0, 1))
def test_is_the_best_of_all(rows: int, columns: int, seed: int, forbidden: float) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.random((rows, columns))
    cost[rng.random(cost.shape) < forbidden] = np.inf
    found = check(cost, 0.6)
    pairs = list(zip(found.rows.tolist(), found.columns.tolist(), strict=True))
    assert total(cost, pairs, 0.6) == pytest.approx(best(cost, 0.6))


def test_equals_clipping_and_solving_the_whole() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        cost = rng.random((30, 40)) ** 0.3
        rows, columns = linear_sum_assignment(np.minimum(cost, 0.4))
        below = cost[rows, columns] < 0.4
        found = check(cost, 0.4)
        assert found.rows.tolist() == rows[below].tolist()
        assert found.columns.tolist() == columns[below].tolist()


def test_two_fair_pairs_beat_one_good_one() -> None:
    found = check(np.array([[0.0, 0.2], [0.1, np.inf]]), 0.5)
    assert (found.rows.tolist(), found.columns.tolist()) == ([0, 1], [1, 0])


def test_one_good_pair_beats_two_hardly_allowed() -> None:
    found = check(np.array([[0.0, 0.49], [0.49, np.inf]]), 0.5)
    assert (found.rows.tolist(), found.columns.tolist()) == ([0], [0])


def test_the_limit_itself_is_not_allowed() -> None:
    assert len(check(np.array([[0.5]]), 0.5).rows) == 0


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_match(shape: tuple[int, int]) -> None:
    assert len(check(np.zeros(shape), 0.5).rows) == 0


def test_everything_forbidden() -> None:
    assert len(check(np.full((3, 4), np.inf), 0.5).rows) == 0
