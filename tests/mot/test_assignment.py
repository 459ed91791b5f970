"""mot.assignment against an exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from mot.assignment import best_pairs


def largest_sum(values: npt.NDArray[np.float64]) -> float:
    """By trying everything."""
    wide = values if values.shape[0] <= values.shape[1] else values.T
    gains = np.maximum(wide, 0)
    return max(
        sum(gains[row, column] for row, column in enumerate(columns))
        for columns in itertools.permutations(range(wide.shape[1]), wide.shape[0])
    )


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 5), (5, 2), (4, 6), (6, 6)])
@pytest.mark.parametrize("seed", range(5))
def test_the_sum_is_the_largest(shape: tuple[int, int], seed: int) -> None:
    values = np.random.default_rng(seed).uniform(-1, 1, shape)
    pairs = best_pairs(values)
    assert (values[pairs[:, 0], pairs[:, 1]] > 0).all()
    assert len(set(pairs[:, 0].tolist())) == len(set(pairs[:, 1].tolist())) == len(pairs)
    assert values[pairs[:, 0], pairs[:, 1]].sum() == pytest.approx(largest_sum(values))


def test_a_small_gain_next_to_a_kept_pair_still_counts() -> None:
    """Values as different as those that keep a pair of the frame before."""
    values = np.array([[1000.6, 0.9, 0], [0, 0.55, 0], [0.7, 0, 0.51]])
    assert best_pairs(values).tolist() == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 2)])
def test_nothing_worth_it_gives_no_pair(shape: tuple[int, int]) -> None:
    assert best_pairs(np.zeros(shape)).shape == (0, 2)
