"""client.tracking.crowd_motion on crowds whose camera moves as told."""

from __future__ import annotations

import numpy as np
import pytest

from client.tracking.crowd_motion import CrowdMotion
from client.tracking.records import FOUND, TRACK

STILL = np.eye(2, 3)


def boxes(people: int) -> np.ndarray:
    """Well apart, 40 wide and 100 high."""
    corner = np.stack([150.0 * np.arange(people), np.zeros(people)], axis=1)
    return np.concatenate([corner, corner + np.array([40.0, 100.0])], axis=1)


def seen(camera: CrowdMotion, offsets: np.ndarray) -> np.ndarray:
    """What the camera is held to have done where each of (N, 2) people is ``offsets`` off, in another order."""
    people = len(offsets)
    tracks, found = np.zeros(people, TRACK), np.zeros(people, FOUND)
    tracks["box"] = boxes(people)
    order = np.random.default_rng(0).permutation(people)
    found["box"] = (boxes(people) + np.tile(offsets, 2))[order]
    return camera.update(tracks, found, np.arange(people), np.arange(people))


def noise(people: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (people, 2))


def test_a_camera_that_moves_is_believed() -> None:
    camera = CrowdMotion(30)
    for t in range(20):
        affine = seen(camera, np.array([12.0, -7.0]) + noise(9, t))
    np.testing.assert_array_equal(affine[:, :2], np.eye(2))
    np.testing.assert_allclose(affine[:, 2], [12, -7], atol=3)


def test_a_camera_that_stands_is_hardly_moved_by_chance() -> None:
    camera = CrowdMotion(30)
    shifts = np.array([seen(camera, noise(9, t))[:, 2] for t in range(200)])
    medians = np.array([np.median(noise(9, t), axis=0) for t in range(200)])
    assert np.abs(shifts[50:]).mean() < np.abs(medians[50:]).mean() / 4


def test_one_who_runs_is_not_the_camera() -> None:
    camera, offsets = CrowdMotion(30), np.zeros((6, 2))
    offsets[2] = 30, 5
    np.testing.assert_array_equal(seen(camera, offsets), STILL)


@pytest.mark.parametrize("people", [0, 1, 3])
def test_too_few_people_say_nothing(people: int) -> None:
    np.testing.assert_array_equal(seen(CrowdMotion(30), np.full((people, 2), 10.0)), STILL)


def test_people_too_far_from_where_they_are_expected_say_nothing() -> None:
    np.testing.assert_array_equal(seen(CrowdMotion(30), np.full((6, 2), 60.0)), STILL)


def test_without_memory_the_camera_stands() -> None:
    np.testing.assert_array_equal(seen(CrowdMotion(0), np.full((6, 2), 10.0)), STILL)
