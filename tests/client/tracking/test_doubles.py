"""client.tracking.lifecycle: two visible tracks on one person."""

from __future__ import annotations

import numpy as np
import pytest

from client.tracking import OverlapReidConfig
from mot.detections import Detections
from tests.client.tracking.scenes import Person, frame, ids, run

ONE = (100.0, 100.0, 0.9, 0)


def beside(pixels: float) -> Person:
    """A second box of the same 40 by 100: IoU (40 - pixels) / (40 + pixels)."""
    return (100.0 + pixels, 100.0, 0.8, 1)


def test_somebody_new_inside_somebody_seen_is_a_double() -> None:
    scene = [frame(ONE)] * 5 + [frame(ONE, beside(8))] * 30
    assert ids(run(OverlapReidConfig().tracker(30), scene)) == [[1]] * 35
    without = OverlapReidConfig(newborn_thres=0, visible_double_thres=0)
    assert ids(run(without.tracker(30), scene))[-1] == [1, 2]


def test_somebody_new_beside_somebody_is_none() -> None:
    assert ids(run(OverlapReidConfig().tracker(30), [frame(ONE)] * 5 + [frame(ONE, beside(16))] * 5))[-1] == [1, 2]


@pytest.mark.parametrize(("pixels", "left"), [(4, [1]), (16, [1, 2])])
def test_two_who_come_together_and_stay_so_are_one(pixels: float, left: list[int]) -> None:
    """A box that drifts from a sign onto the person beside it; 16 pixels aside leave an IoU of 0.43."""
    drift = [frame(ONE, beside(max(pixels, 60.0 - 4 * t))) for t in range(40)]
    assert ids(run(OverlapReidConfig().tracker(30), drift))[-1] == left


@pytest.mark.parametrize("embedding_dim", [8, 0])
def test_two_who_pass_each_other_stay_two(embedding_dim: int) -> None:
    scene = [frame((100.0 + 8 * t, 100, 0.9, 0), (340.0 - 8 * t, 101, 0.8, 1), embedding_dim=embedding_dim)
             for t in range(30)]  # fmt: skip
    assert all(each == [1, 2] for each in ids(run(OverlapReidConfig().tracker(30), scene)))


def test_other_classes_are_no_doubles() -> None:
    both = frame(ONE, beside(2))
    assert both.embeddings is not None
    scene = [
        Detections(boxes=both.boxes, scores=both.scores, embeddings=both.embeddings, classes=np.array([0, 1]))
        for _ in range(20)
    ]
    assert ids(run(OverlapReidConfig().tracker(30), scene))[-1] == [1, 2]


def test_published_trackers_keep_what_their_papers_keep() -> None:
    from client.tracking import ByteConfig

    scene = [frame(ONE, beside(4))] * 20
    assert ids(run(ByteConfig().tracker(30), scene))[-1] == [1, 2]
