"""client.tracking.costs, each pair against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from client.tracking import costs, motion
from client.tracking.moment import Moment, Parts
from client.tracking.motion import GATE, XYAH, XYSR
from client.tracking.records import FOUND, HISTORY, TRACK
from mot.geometry import iou_matrix

ROWS, COLUMNS, EMBEDDING_DIM = 7, 9, 16


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
        self.known, self.given = self._embeddings(rng, ROWS), self._embeddings(rng, COLUMNS)
        self.cosine = 1 - self.known.astype(float) @ self.given[self.found["row"]].astype(float).T
        self.rows, self.columns = np.arange(ROWS), np.arange(COLUMNS)

    @staticmethod
    def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
        corner = rng.uniform(0, 60, (count, 2))
        return np.concatenate([corner, corner + rng.uniform([20, 40], [50, 90], (count, 2))], axis=1)

    @staticmethod
    def _embeddings(rng: np.random.Generator, count: int) -> np.ndarray:
        embeddings = rng.normal(1, 0.8, (count, EMBEDDING_DIM))
        return (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)

    def moment(self, *, margin: float = 0, clock: float = 1.0, embeddings: bool = True) -> Parts:
        width = EMBEDDING_DIM if embeddings else 0
        known, given = (np.ascontiguousarray(each[:, :width]) for each in (self.known, self.given))
        return (*Moment(self.tracks, self.found, known, given, clock, XYAH.form, XYAH.noise, float(margin)),)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_overlap(fused: bool, margin: float) -> None:
    frame = Frame()
    grown = np.array([0, 0, margin, margin])
    similarity = iou_matrix(frame.boxes + grown, frame.others + grown) * (frame.scores if fused else 1)
    found = costs.overlap_cost(frame.moment(margin=margin), frame.rows, frame.columns, fused, False, np.inf)
    np.testing.assert_allclose(found, 1 - similarity, atol=1e-12)


def test_overlap_forbids_pairs_that_share_too_little_whatever_their_score() -> None:
    frame = Frame()
    shared = iou_matrix(frame.boxes, frame.others)
    far = 1 - float(np.median(shared))
    allowed = np.isfinite(costs.overlap_cost(frame.moment(), frame.rows, frame.columns, True, False, far))
    np.testing.assert_array_equal(allowed, 1 - shared < far)
    assert allowed.any() and not allowed.all()


def test_overlap_of_some_rows_with_some_columns() -> None:
    frame, rows, columns = Frame(), np.array([5, 2]), np.array([0, 8, 3])
    found = costs.overlap_cost(frame.moment(), rows, columns, False, False, np.inf)
    np.testing.assert_allclose(found, 1 - iou_matrix(frame.boxes[rows], frame.others[columns]), atol=1e-12)


def test_overlap_with_the_last_observation() -> None:
    frame = Frame()
    frame.tracks["hits"] = HISTORY + 2
    frame.tracks["seen"][:, 1, :4] = frame.others[:ROWS]
    found = costs.overlap_cost(frame.moment(), frame.rows, frame.columns, False, True, np.inf)
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
def test_overlap_or_embedding(fused: bool) -> None:
    frame = Frame(3)
    distance, half = 1 - iou_matrix(frame.boxes, frame.others), frame.cosine / 2
    allowed = (distance <= 0.7) & (half <= 0.2)
    assert 3 < allowed.sum() < (distance <= 0.7).sum()
    overlap = 1 - (1 - distance) * (frame.scores if fused else 1)
    expected = np.minimum(overlap, np.where(allowed, half, 1))
    found = costs.overlap_or_embedding_cost(frame.moment(), frame.rows, frame.columns, fused, 0.7, 0.2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_overlap_or_embedding_without_embeddings_is_overlap() -> None:
    frame = Frame()
    moment = frame.moment(margin=1, embeddings=False)
    found = costs.overlap_or_embedding_cost(moment, frame.rows, frame.columns, True, 1.0, 1.0)
    overlap = costs.overlap_cost(moment, frame.rows, frame.columns, True, False, np.inf)
    np.testing.assert_allclose(found, overlap, atol=1e-12)


def test_embedding_is_gated_by_and_mixed_with_motion() -> None:
    frame = Frame(1)
    spread = np.array([frame.tracks["motion"][:, 2, k] for k in range(4)]).T
    heights = frame.tracks["motion"][:, 0, 3, None]
    spread += np.concatenate([heights / 20, heights / 20, np.full_like(heights, 0.1), heights / 20], axis=1) ** 2
    distance = ((frame.found["measured"] - frame.tracks["motion"][:, None, 0]) ** 2 / spread[:, None]).sum(axis=2)
    expected = np.where(distance > GATE, np.inf, 0.98 * frame.cosine + 0.02 * distance)
    assert 3 < np.isfinite(expected).sum() < expected.size
    found = costs.embedding_cost(frame.moment(), frame.rows, frame.columns, GATE, 0.98)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_cosine_distance_is_never_negative() -> None:
    embedding = np.array([1.00001, 0], np.float32)
    assert costs.cosine_distance(embedding, embedding) == 0


def test_other_classes_are_forbidden() -> None:
    frame = Frame(classes=2)
    some = (frame.moment(), frame.rows, frame.columns)
    assert not frame.same.all()
    for cost in (
        costs.overlap_cost(*some, True, False, np.inf),
        costs.overlap_or_embedding_cost(*some, True, 1.0, 1.0),
        costs.embedding_cost(*some, 1e9, 1.0),
        costs.course_cost(*some, 0.2, 3.0, 2.0),
    ):
        np.testing.assert_array_equal(np.isfinite(cost), frame.same)


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (0, 3), (3, 0)])
def test_nobody(rows: int, columns: int) -> None:
    frame = Frame()
    some = (frame.moment(), np.arange(rows), np.arange(columns))
    assert costs.overlap_cost(*some, True, False, np.inf).shape == (rows, columns)
    assert costs.embedding_cost(*some, 9.0, 1.0).shape == (rows, columns)


def walker(*places: float, left: float, score: float = 1) -> Parts:
    """A track whose observations had these left edges, at clocks from 1, and a detection at the next."""
    table = np.zeros(1, TRACK)
    for k, x in enumerate(places):
        table["seen"][0, k % HISTORY] = [x, 0, x + 40, 100, k + 1]
    table["hits"], table["box"][0] = len(places), table["seen"][0, (len(places) - 1) % HISTORY, :4]
    found, none = np.zeros(1, FOUND), np.zeros((1, 0), np.float32)
    found["box"][0], found["score"] = [left, 0, left + 40, 100], score
    return (*Moment(table, found, none, none, len(places) + 1.0, XYSR.form, XYSR.noise, 0.0),)


@pytest.mark.parametrize("delta_t", [1, 3, 5])
@pytest.mark.parametrize(("left", "bonus"), [(96, 0.5), (84, -0.5)])
def test_the_course_favours_those_ahead(left: float, bonus: float, delta_t: float) -> None:
    """By half of inertia * score straight ahead of the last place, by as much less straight behind the one before."""
    moment, rows = walker(*[20 + 10 * k for k in range(8)], left=left, score=0.8), np.zeros(1, np.int64)
    plain = costs.overlap_cost(moment, rows, rows, False, False, np.inf)[0, 0]
    found = costs.course_cost(moment, rows, rows, 0.2, delta_t, 1.0)[0, 0]
    expected = bonus if delta_t == 1 else 0.5  # earlier places, too, are behind
    assert found == pytest.approx(plain - 0.2 * 0.8 * expected, abs=1e-3)


def test_a_track_seen_once_has_no_course() -> None:
    moment, rows = walker(50, left=56), np.zeros(1, np.int64)
    plain = costs.overlap_cost(moment, rows, rows, False, False, np.inf)[0, 0]
    assert costs.course_cost(moment, rows, rows, 0.2, 3.0, 1.0)[0, 0] == plain
