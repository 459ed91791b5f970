"""client.tracking.motion against a textbook filter: full matrices, one track at a time."""

from __future__ import annotations

import numpy as np
import pytest

from client.tracking import motion
from client.tracking.motion import XYAH, XYSR, XYWH, MotionModel
from client.tracking.records import LOST, TENTATIVE, TRACK, TRACKED

MODELS = pytest.mark.parametrize("model", [XYAH, XYWH, XYSR], ids=["xyah", "xywh", "xysr"])


class Textbook:
    """x' = F x, P' = F P F^T + Q; S = H P H^T + R, K = P H^T S^-1, x' = x + K y, P' = (I - K H) P."""

    def __init__(self, model: MotionModel, box: np.ndarray) -> None:
        self.model = model
        self.x = np.concatenate([box, np.zeros(4)])
        self.P = np.diag(self.noise("start", "start_velocity"))

    def noise(self, *kinds: str) -> np.ndarray:
        """Variances, with units taken from the present state."""
        units = [self.x[row["unit"]] if row["unit"] >= 0 else 1.0 for row in self.model.noise]
        return np.concatenate([(self.model.noise[kind] * units) ** 2 for kind in kinds])

    def predict(self) -> None:
        F = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])  # noqa: N806
        Q = np.diag(self.noise("process", "velocity"))  # noqa: N806
        self.x, self.P = F @ self.x, F @ self.P @ F.T + Q

    def innovation(self) -> tuple[np.ndarray, np.ndarray]:
        H = np.eye(4, 8)  # noqa: N806
        return H, H @ self.P @ H.T + np.diag(self.noise("measured"))

    def update(self, box: np.ndarray) -> None:
        H, S = self.innovation()  # noqa: N806
        K = self.P @ H.T @ np.linalg.inv(S)  # noqa: N806
        self.x = self.x + K @ (box - H @ self.x)
        self.P = (np.eye(8) - K @ H) @ self.P

    def distance(self, box: np.ndarray) -> float:
        H, S = self.innovation()  # noqa: N806
        y = box - H @ self.x
        return float(y @ np.linalg.inv(S) @ y)


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner, size = rng.uniform(0, 900, (count, 2)), rng.uniform([20, 60], [90, 300], (count, 2))
    return np.concatenate([corner, corner + size], axis=1)


def measured(model: MotionModel, box: np.ndarray) -> np.ndarray:
    out = np.zeros(4)
    motion.measure(np.asarray(box, np.float64), model.form, out)
    return out


def started(model: MotionModel, box: np.ndarray) -> np.ndarray:
    filters = np.zeros((5, 4))
    motion.start(filters, measured(model, box), model.noise)
    return filters


def distance(model: MotionModel, filters: np.ndarray, probe: np.ndarray) -> float:
    spread = np.zeros(4)
    motion.spreads(filters, model.noise, spread)
    return motion.squared_mahalanobis(filters, 1 / spread, probe)


def tracks(model: MotionModel, *found: np.ndarray, state: int = TRACKED) -> np.ndarray:
    table = np.zeros(len(found), TRACK)
    table["state"] = state
    for row, box in zip(table, found, strict=True):
        row["motion"][:] = started(model, box)
        row["box"] = box
    return table


def assert_same(filters: np.ndarray, one: Textbook) -> None:
    np.testing.assert_allclose(filters[:2].ravel(), one.x, rtol=1e-9, atol=1e-9)
    blocks = one.P.reshape(2, 4, 2, 4)
    for row, (a, b) in zip((2, 3, 4), ((0, 0), (0, 1), (1, 1)), strict=True):
        np.testing.assert_allclose(filters[row], blocks[a, :, b].diagonal(), rtol=1e-7, atol=1e-9)
    # What the compact form leaves out is really zero.
    assert np.abs(blocks * (1 - np.eye(4))[None, :, None]).max() < 1e-9


@MODELS
def test_follows_the_textbook_through_updates_and_gaps(model: MotionModel) -> None:
    rng = np.random.default_rng(0)
    for box in boxes(rng, 5):
        filters, one = started(model, box), Textbook(model, measured(model, box))
        assert_same(filters, one)
        for _ in range(20):
            motion.advance(filters, model.noise, 1.0)
            one.predict()
            assert_same(filters, one)
            probe = measured(model, boxes(rng, 1)[0])
            assert distance(model, filters, probe) == pytest.approx(one.distance(probe), rel=1e-6)
            box = box + rng.normal(0, 2, 4)
            if rng.random() > 0.3:
                motion.correct(filters, measured(model, box), model.noise)
                one.update(measured(model, box))
            assert_same(filters, one)


@MODELS
def test_a_box_comes_back_from_its_measurement(model: MotionModel) -> None:
    for box in boxes(np.random.default_rng(1), 20):
        back = np.zeros(4)
        motion.locate(started(model, box), model.form, back)
        np.testing.assert_allclose(back, box, rtol=1e-9)


@MODELS
def test_a_steady_walk_is_learnt(model: MotionModel) -> None:
    box, speed = np.array([100.0, 160, 132, 240]), np.array([3.0, -1, 3, -1])
    filters = started(model, box)
    for frame in range(1, 40):
        motion.advance(filters, model.noise, 1.0)
        motion.correct(filters, measured(model, box + frame * speed), model.noise)
    np.testing.assert_allclose(filters[1, :2], speed[:2], atol=0.02)
    motion.advance(filters, model.noise, 1.0)
    near, far = measured(model, box + 40 * speed + 1), measured(model, box + 40 * speed + 60)
    assert distance(model, filters, near) < motion.GATE < distance(model, filters, far)


@MODELS
def test_a_step_of_two_frames_goes_as_far_as_two_of_one(model: MotionModel) -> None:
    once = started(model, np.array([10.0, 20, 50, 120]))
    once[1] = [3, -2, 0.001, 0.5]
    twice = once.copy()
    motion.advance(once, model.noise, 2.0)
    for _ in range(2):
        motion.advance(twice, model.noise, 1.0)
    np.testing.assert_allclose(once[:2], twice[:2], rtol=1e-12)
    np.testing.assert_allclose(once[2:], twice[2:], rtol=0.1, atol=1e-6)


def test_uncertainty_grows_without_and_shrinks_with_a_measurement() -> None:
    filters = started(XYAH, np.array([0.0, 0, 50, 100]))
    before = filters.copy()
    motion.advance(filters, XYAH.noise, 1.0)
    assert (filters[[2, 4]] > before[[2, 4]]).all()
    grown = filters.copy()
    motion.correct(filters, filters[0].copy(), XYAH.noise)
    assert (filters[[2, 4]] < grown[[2, 4]]).all()


def test_who_is_lost_keeps_walking_but_not_growing() -> None:
    for state, height in ((TRACKED, 110), (LOST, 100)):
        table = tracks(XYAH, np.array([0.0, 0, 50, 100]), state=state)
        table["motion"][0, 1] = [5, 0, 0, 10]
        motion.predict(table, XYAH.form, XYAH.noise, 1.0, True)
        assert table["motion"][0, 0].tolist() == [30, 50, 0.5, height]
        assert table["box"][0, 3] - table["box"][0, 1] == height


def test_people_seen_once_move_only_where_wanted() -> None:
    for wanted in (True, False):
        table = tracks(XYAH, np.array([0.0, 0, 50, 100]), state=TENTATIVE)
        before = table.copy()
        motion.predict(table, XYAH.form, XYAH.noise, 1.0, wanted)
        assert (table != before).any() == wanted


def test_an_area_never_falls_below_nothing() -> None:
    table = tracks(XYSR, np.array([0.0, 0, 50, 100]))
    table["motion"][0, 1, 2] = -1e5
    motion.predict(table, XYSR.form, XYSR.noise, 1.0, True)
    np.testing.assert_allclose(table["box"][0], [0, 0, 50, 100])


@MODELS
def test_tracks_follow_the_camera(model: MotionModel) -> None:
    """Turned by a right angle, twice as large, moved: centres and speeds go with the picture."""
    table = tracks(model, np.array([0.0, 0, 50, 100]))
    table["motion"][0, 1, :2] = [3, 0]
    spread = table["motion"][0, 2, :2].copy()
    motion.shift(table, model.form, np.array([[0.0, -2, 7], [2, 0, 9]]))
    filters = table["motion"][0]
    np.testing.assert_allclose(filters[0, :2], [-100 + 7, 50 + 9])
    np.testing.assert_allclose(filters[1, :2], [0, 6])
    np.testing.assert_allclose(filters[2, :2], 4 * spread[::-1])
    np.testing.assert_allclose(table["box"][0], [-93 - 50, 59 - 100, -93 + 50, 59 + 100])


@MODELS
def test_a_still_camera_changes_nothing(model: MotionModel) -> None:
    table = tracks(model, *boxes(np.random.default_rng(2), 4))
    before = table.copy()
    motion.shift(table, model.form, np.eye(2, 3))
    np.testing.assert_allclose(table["motion"], before["motion"])


@MODELS
def test_nobody(model: MotionModel) -> None:
    table = np.zeros(0, TRACK)
    motion.predict(table, model.form, model.noise, 1.0, True)
    motion.shift(table, model.form, np.eye(2, 3))
