"""Ways thinned without losing their shape or length."""

from __future__ import annotations

import numpy as np
import pytest

from client.analysis.trajectories import trajectories
from tests.client.analysis.walks import walks, way


def test_a_straight_way_needs_two_points_and_a_corner_three() -> None:
    straight, bent = trajectories(walks({1: way((0, 0), (500, 0)), 2: way((0, 0), (300, 0), (300, 400))}))
    np.testing.assert_allclose(straight.points, [(0, 0), (500, 0)])
    np.testing.assert_allclose(bent.points, [(0, 0), (300, 0), (300, 400)])
    assert (straight.id, straight.height) == (1, 100) and bent.length == pytest.approx(700)


def test_a_trembling_box_does_not_walk_for_miles() -> None:
    rng = np.random.default_rng(2)
    feet = [(200 + float(x), 300 + float(y)) for x, y in rng.uniform(-2, 2, (5000, 2))]
    [standing] = trajectories(walks({1: feet}))
    assert standing.length < 6
    [walking] = trajectories(walks({1: [(x + step, y) for step, (x, y) in enumerate(feet)]}))
    assert walking.length == pytest.approx(4999, rel=0.01)


def test_rows_in_any_order_and_gaps_are_joined() -> None:
    rows = walks({1: {9: (90, 0), 1: (0, 0)}})[np.array([1, 0])]
    [found] = trajectories(rows)
    np.testing.assert_allclose(found.points, [(0, 0), (90, 0)])


def test_large_coordinates_keep_their_hundredths() -> None:
    [found] = trajectories(walks({1: [(1e6 + 0.25, 1e6), (1e6 + 50.75, 1e6)]}))
    np.testing.assert_allclose(found.points[:, 0], [1e6 + 0.25, 1e6 + 50.75], atol=1e-4)


def test_no_rows_and_one_row() -> None:
    assert list(trajectories(walks({}))) == []
    [found] = trajectories(walks({3: [(5, 6)]}))
    assert found.points.tolist() == [[5, 6]] and found.length == 0
