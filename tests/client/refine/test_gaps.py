from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from client.refine.gaps import fill_gaps
from mot.sequence import MotRows
from tests.client.refine.rows import results, rows, walk


def keys(found: MotRows) -> list[tuple[int, int]]:
    return list(zip(found.frames.tolist(), found.ids.tolist(), strict=True))


def test_a_gap_is_filled_on_a_line() -> None:
    found = fill_gaps(rows(walk(1, [1, 2, 6])), max_gap=3)
    assert keys(found) == [(frame, 1) for frame in range(1, 7)]
    np.testing.assert_allclose(found.boxes, rows(walk(1, range(1, 7))).boxes)


@pytest.mark.parametrize(("max_gap", "count"), [(0, 3), (2, 3), (3, 6), (100, 6)], ids=str)
def test_longer_gaps_stay(max_gap: int, count: int) -> None:
    assert len(fill_gaps(rows(walk(1, [1, 2, 6])), max_gap)) == count


def test_size_and_score_change_on_the_way() -> None:
    given_rows = rows([(1, 1, 0, 0, 10, 20), (3, 1, 4, 8, 20, 40)])
    given_rows.scores[:] = [0.4, 0.8]
    filled = fill_gaps(given_rows, 5)
    assert filled.boxes[1].tolist() == [2, 4, 15, 30]
    assert filled.scores[1] == pytest.approx(0.6)


def test_the_smallest_box_keeps_a_size() -> None:
    filled = fill_gaps(rows([(1, 1, 0, 0, 0.004, 0.004), (3, 1, 0, 0, 0.004, 0.004)]), 5)
    assert filled.boxes[1].tolist() == [0, 0, 0.01, 0.01]


@pytest.mark.parametrize("given_rows", [rows([]), rows(walk(3, [7]))], ids=["no rows", "one row"])
def test_nothing_to_fill(given_rows: MotRows) -> None:
    assert keys(fill_gaps(given_rows, 10)) == keys(given_rows)


@given(results())
def test_rows_stay_and_no_id_is_twice_in_a_frame(given_rows: MotRows) -> None:
    filled = fill_gaps(given_rows, 5)
    assert len(set(keys(filled))) == len(filled)
    assert keys(filled) == sorted(keys(filled))
    boxes = dict(zip(keys(filled), filled.boxes.tolist(), strict=True))
    assert all(boxes[key] == box for key, box in zip(keys(given_rows), given_rows.boxes.tolist(), strict=True))
    for track in set(filled.ids.tolist()):
        before, after = given_rows.frames[given_rows.ids == track], filled.frames[filled.ids == track]
        assert (before.min(), before.max()) == (after.min(), after.max())
        assert not ((np.diff(after) > 1) & (np.diff(after) <= 6)).any()


@given(results())
def test_twice_is_as_once(given_rows: MotRows) -> None:
    once = fill_gaps(given_rows, 5)
    assert keys(fill_gaps(once, 5)) == keys(once)
