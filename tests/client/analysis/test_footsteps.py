"""Gaps filled, runs told apart."""

from __future__ import annotations

import numpy as np

from client.analysis.footsteps import footsteps
from tests.client.analysis.walks import walks, way, without


def test_feet_are_the_middle_of_the_lower_edge_by_person_and_frame() -> None:
    steps = footsteps(walks({2: [(10, 20), (11, 21)], 1: {2: (5, 6)}}), 0)
    assert steps.ids.tolist() == [1, 2, 2] and steps.frames.tolist() == [2, 1, 2]
    np.testing.assert_allclose(steps.points, [(5, 6), (10, 20), (11, 21)])
    assert steps.heights.tolist() == [100, 100, 100] and steps.joined.tolist() == [False, True]


def test_a_short_gap_is_filled_on_a_straight_line() -> None:
    whole = walks({1: way((0, 0), (90, 0)), 2: way((0, 50), (90, 50))})
    holed = walks({1: without(way((0, 0), (90, 0)), (3, 4, 8)), 2: way((0, 50), (90, 50))})
    filled, expected = footsteps(holed, 2), footsteps(whole, 2)
    np.testing.assert_allclose(filled.points, expected.points)
    for name in ("frames", "ids", "runs", "heights"):
        assert getattr(filled, name).tolist() == getattr(expected, name).tolist(), name


def test_a_long_gap_begins_another_run() -> None:
    steps = footsteps(walks({1: {1: (0, 0), 4: (3, 0), 8: (9, 9)}}), 2)
    assert steps.frames.tolist() == [1, 2, 3, 4, 8]
    assert steps.runs.tolist() == [0, 0, 0, 0, 1]


def test_no_rows_and_one_row() -> None:
    assert len(footsteps(walks({}), 5)) == 0 and footsteps(walks({}), 5).joined.tolist() == []
    assert footsteps(walks({4: [(1, 2)]}), 5).runs.tolist() == [0]
