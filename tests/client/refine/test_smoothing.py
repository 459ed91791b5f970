from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from client.refine.smoothing import smooth
from mot.sequence import MotRows
from tests.client.refine.rows import results, rows, walk


def test_a_steady_walk_stays_as_it_is_to_its_ends() -> None:
    given_rows = rows(walk(1, range(1, 40)))
    np.testing.assert_allclose(smooth(given_rows, 3).boxes, given_rows.boxes, atol=0.011)


def test_trembling_is_taken_out() -> None:
    still = rows(walk(1, range(1, 200)))
    noise = np.random.default_rng(0).normal(0, 2, still.boxes.shape)
    still.boxes[:] += noise
    rest = smooth(still, 5).boxes - (still.boxes - noise)
    assert rest.std() < 0.4 * noise.std()


def test_it_is_the_weighted_line_of_the_neighbours() -> None:
    """Against numpy's own weighted fit."""
    rng = np.random.default_rng(1)
    frames = [1, 2, 3, 5, 8, 9, 10, 14]
    given_rows = rows([(frame, 1, *rng.uniform(10, 50, 4)) for frame in frames])
    smoothed = smooth(given_rows, 2)
    centres = given_rows.boxes[:, 0] + given_rows.boxes[:, 2] / 2
    for i, frame in enumerate(frames):
        distance = np.array(frames) - frame
        weight = np.where(np.abs(distance) <= 6, np.exp(-0.5 * (distance / 2) ** 2), 0)
        line = np.polyfit(distance, centres, 1, w=np.sqrt(weight))
        assert smoothed.boxes[i, 0] + smoothed.boxes[i, 2] / 2 == pytest.approx(line[1], abs=0.011)


@pytest.mark.parametrize(
    "given_rows", [rows([]), rows(walk(3, [7])), rows(walk(3, [7, 9]))], ids=["no rows", "one row", "two rows"]
)
def test_nothing_to_smooth(given_rows: MotRows) -> None:
    assert smooth(given_rows, 3).boxes.tolist() == given_rows.boxes.tolist()


def test_who_comes_back_much_later_pulls_nobody() -> None:
    alone = rows(walk(1, [*range(1, 10), 100_000, 200_000]))
    np.testing.assert_allclose(smooth(alone, 2).boxes, alone.boxes, atol=0.011)


@given(results())
def test_only_boxes_change_and_stay_boxes(given_rows: MotRows) -> None:
    order = np.lexsort((given_rows.ids, given_rows.frames))
    smoothed = smooth(given_rows, 2)
    assert smoothed.frames.tolist() == given_rows.frames[order].tolist()
    assert smoothed.ids.tolist() == given_rows.ids[order].tolist()
    assert np.isfinite(smoothed.boxes).all()
    assert (smoothed.boxes[:, 2:] > 0).all()
