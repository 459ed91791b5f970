"""client.tracking.costs, each pair against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from client.tracking import costs, motion
from client.tracking.motion import GATE, XYAH
from client.tracking.records import FOUND, HISTORY, TRACK
from mot.geometry import iou_matrix

ROWS, COLUMNS, LOOKS = 7, 9, 16


class Frame:
    """Random tracks and detections, tables and plain arrays."""

    def __init__(self, seed: int = 0, classes: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.boxes, self.others = self._boxes(rng, ROWS), self._boxes(rng, COLUMNS)
        self.scores = rng.random(COLUMNS)
        self.tracks, self.found = np.zeros(ROWS, TRACK), np.zeros(COLUMNS, FOUND)
        self.tracks["class"], self.found["class"] = rng.integers(0, classes, ROWS), rng.integers(0, classes, COLUMNS)
        self.same = self.tracks["class"][:, None] == self.found["class"]
        self.tracks["box"], self.found["box"], self.found["score"] = self.boxes, self.others, self.scores
        self.found["row"] = rng.permutation(COLUMNS)
        for track, box in zip(self.tracks, self.boxes, strict=True):
            measured = np.zeros(4)
            motion.measure(box, XYAH.form, measured)
            motion.start(track["motion"], measured, XYAH.noise)
        for one in self.found:
            motion.measure(one["box"], XYAH.form, one["measured"])
        self.features, self.embeddings = self._looks(rng, ROWS), self._looks(rng, COLUMNS)
        self.cosine = 1 - self.features.astype(float) @ self.embeddings[self.found["row"]].astype(float).T
        self.rows, self.columns = np.arange(ROWS), np.arange(COLUMNS)

    @staticmethod
    def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
        corner = rng.uniform(0, 60, (count, 2))
        return np.concatenate([corner, corner + rng.uniform([20, 40], [50, 90], (count, 2))], axis=1)

    @staticmethod
    def _looks(rng: np.random.Generator, count: int) -> np.ndarray:
        looks = rng.normal(1, 0.8, (count, LOOKS))
        return (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_overlap(fused: bool, margin: float) -> None:
    frame = Frame()
    grown = np.array([0, 0, margin, margin])
    similarity = iou_matrix(frame.boxes + grown, frame.others + grown) * (frame.scores if fused else 1)
    found = costs.overlap_cost(frame.tracks, frame.found, frame.rows, frame.columns, fused, margin, False, np.inf)
    np.testing.assert_allclose(found, 1 - similarity, atol=1e-12)


def test_overlap_forbids_pairs_that_share_too_little_whatever_their_score() -> None:
    frame = Frame()
    arguments = (frame.tracks, frame.found, frame.rows, frame.columns, True, 0.0, False)
    shared = iou_matrix(frame.boxes, frame.others)
    far = 1 - float(np.median(shared))
    allowed = np.isfinite(costs.overlap_cost(*arguments, far))
    np.testing.assert_array_equal(allowed, 1 - shared < far)
    assert allowed.any() and not allowed.all()


def test_overlap_of_some_rows_with_some_columns() -> None:
    frame, rows, columns = Frame(), np.array([5, 2]), np.array([0, 8, 3])
    found = costs.overlap_cost(frame.tracks, frame.found, rows, columns, False, 0.0, False, np.inf)
    np.testing.assert_allclose(found, 1 - iou_matrix(frame.boxes[rows], frame.others[columns]), atol=1e-12)


def test_overlap_with_the_last_observation() -> None:
    frame = Frame()
    frame.tracks["hits"] = HISTORY + 2
    frame.tracks["seen"][:, 1, :4] = frame.others[:ROWS]
    found = costs.overlap_cost(frame.tracks, frame.found, frame.rows, frame.columns, False, 0.0, True, np.inf)
    np.testing.assert_allclose(found, 1 - iou_matrix(frame.others[:ROWS], frame.others), atol=1e-12)


def test_boxes_that_touch_overlap_only_with_a_margin() -> None:
    a, b = np.array([0.0, 0, 10, 10]), np.array([10.0, 0, 20, 10])
    assert costs.iou(a, b, 0.0) == 0
    assert costs.iou(a, b, 1.0) == pytest.approx(11 / (2 * 121 - 11))
    assert costs.iou(a, a, 0.0) == 1


def test_empty_boxes_overlap_with_nothing() -> None:
    empty, b = np.array([5.0, 5, 5, 9]), np.array([0.0, 0, 20, 20])
    assert costs.iou(empty, b, 0.0) == costs.iou(b, empty, 0.0) == costs.iou(empty, empty, 0.0) == 0


@pytest.mark.parametrize("fused", [True, False])
def test_overlap_or_look(fused: bool) -> None:
    frame = Frame(3)
    distance, look = 1 - iou_matrix(frame.boxes, frame.others), frame.cosine / 2
    allowed = (distance <= 0.7) & (look <= 0.2)
    assert 3 < allowed.sum() < (distance <= 0.7).sum()
    overlap = 1 - (1 - distance) * (frame.scores if fused else 1)
    expected = np.minimum(overlap, np.where(allowed, look, 1))
    found = costs.overlap_or_look_cost(
        frame.tracks, frame.found, frame.features, frame.embeddings, frame.rows, frame.columns, fused, 0.0, 0.7, 0.2
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_overlap_or_look_without_embeddings_is_overlap() -> None:
    frame = Frame()
    none = np.zeros((COLUMNS, 0), np.float32)
    found = costs.overlap_or_look_cost(
        frame.tracks, frame.found, none, none, frame.rows, frame.columns, True, 1.0, 1.0, 1.0
    )
    overlap = costs.overlap_cost(frame.tracks, frame.found, frame.rows, frame.columns, True, 1.0, False, np.inf)
    np.testing.assert_allclose(found, overlap, atol=1e-12)


def test_look_is_gated_by_and_mixed_with_motion() -> None:
    frame = Frame(1)
    spread = np.array([frame.tracks["motion"][:, 2, k] for k in range(4)]).T
    heights = frame.tracks["motion"][:, 0, 3, None]
    spread += np.concatenate([heights / 20, heights / 20, np.full_like(heights, 0.1), heights / 20], axis=1) ** 2
    distance = ((frame.found["measured"] - frame.tracks["motion"][:, None, 0]) ** 2 / spread[:, None]).sum(axis=2)
    expected = np.where(distance > GATE, np.inf, 0.98 * frame.cosine + 0.02 * distance)
    assert 3 < np.isfinite(expected).sum() < expected.size
    found = costs.look_cost(
        frame.tracks, frame.found, frame.features, frame.embeddings, frame.rows, frame.columns, XYAH.noise, GATE, 0.98
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_cosine_distance_is_never_negative() -> None:
    look = np.array([1.00001, 0], np.float32)
    assert costs.cosine_distance(look, look) == 0


def test_other_classes_are_forbidden() -> None:
    frame = Frame(classes=2)
    table = (frame.tracks, frame.found)
    some = (frame.rows, frame.columns)
    looks = (frame.features, frame.embeddings)
    assert not frame.same.all()
    for cost in (
        costs.overlap_cost(*table, *some, True, 0.0, False, np.inf),
        costs.overlap_or_look_cost(*table, *looks, *some, True, 0.0, 1.0, 1.0),
        costs.look_cost(*table, *looks, *some, XYAH.noise, 1e9, 1.0),
        costs.course_cost(*table, *some, 0.2, 3.0, 1.0, 2.0),
    ):
        np.testing.assert_array_equal(np.isfinite(cost), frame.same)


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (0, 3), (3, 0)])
def test_nobody(rows: int, columns: int) -> None:
    frame = Frame()
    some = (np.arange(rows), np.arange(columns))
    assert costs.overlap_cost(frame.tracks, frame.found, *some, True, 0.0, False, np.inf).shape == (rows, columns)
    looks = (frame.features, frame.embeddings)
    assert costs.look_cost(frame.tracks, frame.found, *looks, *some, XYAH.noise, 9.0, 1.0).shape == (rows, columns)


def walker(*places: float) -> np.ndarray:
    """A track whose observations had these left edges, at clocks from 1."""
    table = np.zeros(1, TRACK)
    for k, x in enumerate(places):
        table["seen"][0, k % HISTORY] = [x, 0, x + 40, 100, k + 1]
    table["hits"], table["box"][0] = len(places), table["seen"][0, (len(places) - 1) % HISTORY, :4]
    return table


def detection(left: float, score: float = 1) -> np.ndarray:
    found = np.zeros(1, FOUND)
    found["box"][0], found["score"] = [left, 0, left + 40, 100], score
    return found


@pytest.mark.parametrize("delta_t", [1, 3, 5])
@pytest.mark.parametrize(("left", "bonus"), [(96, 0.5), (84, -0.5)])
def test_the_course_favours_those_ahead(left: float, bonus: float, delta_t: float) -> None:
    """By half of inertia * score straight ahead of the last place, by as much less straight behind the one before."""
    table, one, rows = walker(*[20 + 10 * k for k in range(8)]), detection(left, 0.8), np.zeros(1, np.int64)
    plain = costs.overlap_cost(table, one, rows, rows, False, 0.0, False, np.inf)[0, 0]
    found = costs.course_cost(table, one, rows, rows, 0.2, delta_t, 9.0, 1.0)[0, 0]
    expected = bonus if delta_t == 1 else 0.5  # earlier places, too, are behind
    assert found == pytest.approx(plain - 0.2 * 0.8 * expected, abs=1e-3)


def test_a_track_seen_once_has_no_course() -> None:
    rows = np.zeros(1, np.int64)
    one = detection(56)
    plain = costs.overlap_cost(walker(50), one, rows, rows, False, 0.0, False, np.inf)[0, 0]
    assert costs.course_cost(walker(50), one, rows, rows, 0.2, 3.0, 2.0, 1.0)[0, 0] == plain
