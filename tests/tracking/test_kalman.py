"""client.tracking.kalman against a textbook filter: full 8x8 matrices, one track at a time."""

from __future__ import annotations

import numpy as np
import pytest

from client.tracking import kalman


class Textbook:
    """x' = F x, P' = F P F^T + Q; S = H P H^T + R, K = P H^T S^-1, x' = x + K y, P' = (I - K H) P."""

    def __init__(self, box: np.ndarray) -> None:
        self.x = np.concatenate([box, np.zeros(4)])
        self.P = np.diag(self.noise(2 / 20, 10 / 160, 1e-2, 1e-5))

    def noise(self, position: float, velocity: float, aspect: float, aspect_velocity: float) -> np.ndarray:
        h = self.x[3]
        positions = [position * h, position * h, aspect, position * h]
        velocities = [velocity * h, velocity * h, aspect_velocity, velocity * h]
        return np.array(positions + velocities) ** 2

    def predict(self) -> None:
        F = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])  # noqa: N806
        Q = np.diag(self.noise(1 / 20, 1 / 160, 1e-2, 1e-5))  # noqa: N806
        self.x, self.P = F @ self.x, F @ self.P @ F.T + Q

    def innovation(self) -> tuple[np.ndarray, np.ndarray]:
        H = np.eye(4, 8)  # noqa: N806
        R = np.diag(self.noise(1 / 20, 0, 1e-1, 0)[:4])  # noqa: N806
        return H, H @ self.P @ H.T + R

    def update(self, box: np.ndarray) -> None:
        H, S = self.innovation()  # noqa: N806
        K = self.P @ H.T @ np.linalg.inv(S)  # noqa: N806
        self.x = self.x + K @ (box - H @ self.x)
        self.P = (np.eye(8) - K @ H) @ self.P

    def distance(self, box: np.ndarray) -> float:
        H, S = self.innovation()  # noqa: N806
        y = box - H @ self.x
        return float(y @ np.linalg.inv(S) @ y)


def assert_same(motion: np.ndarray, filters: list[Textbook]) -> None:
    for batched, one in zip(motion, filters, strict=True):
        np.testing.assert_allclose(batched[:2].ravel(), one.x, rtol=1e-9, atol=1e-9)
        blocks = one.P.reshape(2, 4, 2, 4)
        for row, (a, b) in zip((2, 3, 4), ((0, 0), (0, 1), (1, 1)), strict=True):
            np.testing.assert_allclose(batched[row], blocks[a, :, b].diagonal(), rtol=1e-9, atol=1e-12)
        # What the compact form leaves out is really zero.
        assert np.abs(blocks * (1 - np.eye(4))[None, :, None]).max() < 1e-12


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.column_stack([rng.uniform(0, 1000, (count, 2)), rng.uniform(0.2, 1, count), rng.uniform(20, 400, count)])


def test_follows_the_textbook_through_updates_and_gaps() -> None:
    rng = np.random.default_rng(0)
    boxes = random_boxes(rng, 7)
    motion, filters = kalman.initiate(boxes), [Textbook(box) for box in boxes]
    assert_same(motion, filters)
    for _ in range(25):
        motion = kalman.predict(motion)
        for one in filters:
            one.predict()
        assert_same(motion, filters)
        probes = random_boxes(rng, 3)
        expected = [[one.distance(probe) for probe in probes] for one in filters]
        np.testing.assert_allclose(kalman.squared_mahalanobis(motion, probes), expected, rtol=1e-9)
        seen = rng.random(len(filters)) > 0.3
        boxes = boxes + rng.normal(0, [5, 5, 0.02, 3], boxes.shape)
        motion[seen] = kalman.update(motion[seen], boxes[seen])
        for one in np.flatnonzero(seen):
            filters[one].update(boxes[one])
        assert_same(motion, filters)


def test_a_steady_walk_is_learnt() -> None:
    start, speed = np.array([[100.0, 200, 0.4, 80]]), np.array([3.0, -1, 0, 0])
    motion = kalman.initiate(start)
    for frame in range(1, 40):
        motion = kalman.update(kalman.predict(motion), start + frame * speed)
    np.testing.assert_allclose(motion[0, 1], speed, atol=0.01)
    ahead = kalman.predict(motion)
    np.testing.assert_allclose(ahead[0, 0], start[0] + 40 * speed, atol=0.1)
    near, far = ahead[:, 0] + [1, 0, 0, 0], ahead[:, 0] + [60, 0, 0, 0]
    distance = kalman.squared_mahalanobis(ahead, np.concatenate([near, far]))[0]
    assert distance[0] < kalman.GATE < distance[1]


def test_uncertainty_grows_without_and_shrinks_with_a_measurement() -> None:
    motion = kalman.predict(kalman.initiate(np.array([[0.0, 0, 0.5, 100]])))
    assert (kalman.predict(motion)[:, [2, 4]] > motion[:, [2, 4]]).all()
    assert (kalman.update(motion, motion[:, 0])[:, [2, 4]] < motion[:, [2, 4]]).all()


def test_steps_leave_their_input_alone() -> None:
    boxes = np.array([[0.0, 0, 0.5, 100]])
    motion = kalman.initiate(boxes)
    before = motion.copy()
    kalman.predict(motion)
    kalman.update(motion, boxes + 1)
    np.testing.assert_array_equal(motion, before)


@pytest.mark.parametrize(("tracks", "boxes"), [(0, 0), (0, 2), (2, 0)])
def test_nothing(tracks: int, boxes: int) -> None:
    motion = kalman.initiate(np.ones((tracks, 4)))
    assert kalman.predict(motion).shape == kalman.update(motion, np.ones((tracks, 4))).shape == (tracks, 5, 4)
    assert kalman.squared_mahalanobis(motion, np.ones((boxes, 4))).shape == (tracks, boxes)
