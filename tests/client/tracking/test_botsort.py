"""client.tracking.botsort and the camera's motion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from client.tracking import BotSortConfig, BotSortTracker
from client.tracking.camera_motion import CameraMotion
from tests.client.tracking.scenes import frame


def street(shift: tuple[float, float] = (0, 0), angle: float = 0, scale: float = 1) -> np.ndarray:
    """A textured still picture, seen by a camera that has moved."""
    rng = np.random.default_rng(0)
    noise = cv2.GaussianBlur(rng.uniform(0, 255, (360, 480, 3)).astype(np.uint8), (0, 0), 3)
    picture = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX)
    affine = cv2.getRotationMatrix2D((240, 180), angle, scale)
    affine[:, 2] += shift
    return np.asarray(cv2.warpAffine(picture, affine, (480, 360)), np.uint8)


@pytest.mark.parametrize(("shift", "angle", "scale"), [((9, -4), 0, 1), ((0, 0), 3, 1), ((2, 3), 1, 1.04)])
def test_the_motion_of_the_camera_is_measured(shift: tuple[float, float], angle: float, scale: float) -> None:
    camera = CameraMotion()
    np.testing.assert_array_equal(camera.update(street()), np.eye(2, 3))
    expected = cv2.getRotationMatrix2D((240, 180), angle, scale)
    expected[:, 2] += shift
    corners = np.array([[100, 90, 1], [380, 90, 1], [240, 300, 1]]).T
    np.testing.assert_allclose(camera.update(street(shift, angle, scale)) @ corners, expected @ corners, atol=1)


def test_a_camera_that_shows_nothing_stands_still() -> None:
    camera, black = CameraMotion(), np.zeros((120, 160, 3), np.uint8)
    for image in (black, black, street(), street()[:100], np.zeros((1, 1, 3), np.uint8)):
        np.testing.assert_array_equal(camera.update(image), np.eye(2, 3))


@pytest.mark.parametrize(("follows", "expected"), [(True, [1]), (False, [])])
def test_tracks_follow_the_camera(follows: bool, expected: list[int]) -> None:
    """A jerk as wide as a person, too far for overlap."""
    tracker = BotSortTracker(BotSortConfig(camera_motion=follows))
    for _ in range(4):
        assert tracker.update(frame((200, 120, 0.9, 0)), image=street()).ids.tolist() == [1]
    assert tracker.update(frame((238, 120, 0.9, 0)), image=street((38, 0))).ids.tolist() == expected


def test_embeddings_decide_between_neighbours() -> None:
    there = [(10.0 + 2 * t, 114.0 - 2 * t) for t in range(27)]
    tracker = BotSortTracker()
    for a, b in there + there[::-1]:
        tracks = tracker.update(frame((a, 20, 0.9, 0), (b, 20, 0.9, 1)))
    assert tracks.ids.tolist() == [1, 2] and tracks.detections.tolist() == [0, 1]
