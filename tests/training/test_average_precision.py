from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from mot.detections import Detections
from mot.geometry import iou_matrix, xywh_to_xyxy
from mot.sequence import MotRows
from training.average_precision import average_precision


def rows(boxes: list[tuple[int, float, float, float, float]]) -> MotRows:
    """(frame, left, top, width, height) each."""
    table = np.array(boxes, np.float64).reshape(-1, 5)
    count = len(table)
    return MotRows(
        frames=table[:, 0].astype(np.int64),
        ids=np.arange(count),
        boxes=table[:, 1:],
        scores=np.ones(count),
        classes=np.ones(count, np.int64),
        visibilities=np.ones(count),
    )


def detections(*found: tuple[float, float, float, float, float]) -> Detections:
    """(left, top, right, bottom, score) each."""
    table = np.array(found, np.float32).reshape(-1, 5)
    return Detections(boxes=table[:, :4], scores=table[:, 4])


def reference(found: dict[int, Detections], truth: MotRows) -> float:
    """PASCAL VOC's matching and COCO's 101 points, one detection after the other; without ignored regions."""
    taken: set[int] = set()
    ranked = sorted(
        ((float(d.scores[i]), frame, d.boxes[i]) for frame, d in found.items() for i in range(len(d))),
        key=lambda entry: -entry[0],
    )
    hits = []
    for _, frame, box in ranked:
        free = [i for i in range(len(truth)) if truth.frames[i] == frame and i not in taken]
        overlaps = {i: iou_matrix(box[None], xywh_to_xyxy(truth.boxes[i : i + 1]))[0, 0] for i in free}
        best = max(overlaps, key=lambda i: overlaps[i], default=None)
        hit = best is not None and overlaps[best] >= 0.5
        hits.append(hit)
        if hit and best is not None:
            taken.add(best)
    total = np.cumsum(hits)
    recall, precision = total / len(truth), total / np.arange(1, len(hits) + 1)
    points = np.linspace(0, 1, 101)
    return 100 * float(np.mean([precision[recall >= point].max(initial=0) for point in points]))


def nobody(truth: MotRows) -> npt.NDArray[np.bool_]:
    return np.zeros(len(truth), np.bool_)


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rows([(frame, 60 * i, 10, 20, 40) for frame in (1, 2, 3) for i in range(5)])
    found = {}
    for frame in (1, 2, 3):
        mine = xywh_to_xyxy(truth.boxes[truth.frames == frame]) + rng.normal(0, 4, (5, 4))
        others = xywh_to_xyxy(np.column_stack([rng.uniform(0, 300, (4, 2)), np.full((4, 2), 20)]))
        boxes = np.concatenate([mine, others]).astype(np.float32)
        found[frame] = detections(*np.column_stack([boxes, rng.uniform(0.1, 1, 9)]))
    value = average_precision(found, truth, nobody(truth))
    assert 20 < value < 100
    assert value == pytest.approx(reference(found, truth), abs=1e-6)


def test_all_and_none() -> None:
    truth = rows([(1, 10, 10, 20, 40), (2, 10, 10, 20, 40)])
    right = detections((10, 10, 30, 50, 0.5))
    assert average_precision({1: right, 2: right}, truth, nobody(truth)) == pytest.approx(100)
    assert average_precision({1: right}, truth, nobody(truth)) == pytest.approx(100)  # frame 2 was not looked at
    # One of two is found: precision 1 up to a recall of one half, that is at 51 of 101 points.
    half = average_precision({1: right, 2: detections()}, truth, nobody(truth))
    assert half == pytest.approx(100 * 51 / 101)
    assert average_precision({1: detections(), 2: detections()}, truth, nobody(truth)) == 0
    assert average_precision({1: detections((80, 10, 99, 50, 0.5))}, truth, nobody(truth)) == 0
    assert np.isnan(average_precision({1: right}, rows([]), np.zeros(0, np.bool_)))


def test_ignored_regions_count_neither_way() -> None:
    truth = rows([(1, 10, 10, 20, 40), (1, 100, 10, 60, 40)])
    ignored = np.array([False, True])
    found = detections((110, 10, 130, 50, 0.9), (130, 10, 150, 50, 0.8), (10, 10, 30, 50, 0.5))
    assert average_precision({1: found}, truth, ignored) == pytest.approx(100)
    assert average_precision({1: found}, truth[:1], ignored[:1]) == pytest.approx(100 / 3)
    assert np.isnan(average_precision({1: found}, truth[1:], ignored[1:]))
