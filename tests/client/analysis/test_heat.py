"""The heat map: where, how much, and drawn over which picture."""

from __future__ import annotations

import numpy as np
import pytest

from client.analysis.heat import blank, draw_heat, heat_map
from tests.client.analysis.walks import walks, way


def test_each_row_inside_the_picture_is_one_wherever_it_is() -> None:
    rows = walks({1: way((0, 0), (640, 480)), 2: [(-5, 100), (100, 500), (640, 480)]})
    heat = heat_map(rows, 640, 480)
    assert heat.shape == (270, 360)
    assert heat.sum() == pytest.approx(len(rows) - 2, rel=1e-4)


def test_the_hottest_place_is_where_somebody_stands() -> None:
    heat = heat_map(walks({1: [(480.0, 120.0)] * 50, 2: way((0, 400), (640, 400))}), 640, 480)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert (column / 360 * 640, row / 270 * 480) == pytest.approx((480, 120), abs=3)


def test_nobody_is_a_grey_picture() -> None:
    image = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    drawn = draw_heat(image, heat_map(walks({}), 64, 48))
    assert (drawn[..., 0] == drawn[..., 1]).all() and (drawn[..., 1] == drawn[..., 2]).all()
    assert drawn.shape == image.shape


def test_the_picture_is_red_where_it_is_hot_and_grey_where_it_is_cold() -> None:
    ground = blank(640, 480)
    before = ground.copy()
    drawn = draw_heat(ground, heat_map(walks({1: [(480.0, 120.0)] * 50}), 640, 480)).astype(int)
    assert drawn[120, 480, 0] - drawn[120, 480, 2] > 80
    assert np.ptp(drawn[400, 100]) == 0
    assert (ground == before).all(), "the frame given is left alone"


@pytest.mark.parametrize("size", [(1, 1), (7680, 10), (10, 4320)])
def test_any_size(size: tuple[int, int]) -> None:
    heat = heat_map(walks({1: [(0.5, 0.5)]}), *size)
    assert heat.sum() == pytest.approx(1, rel=1e-3)
    assert draw_heat(blank(*size), heat).shape == (size[1], size[0], 3)
