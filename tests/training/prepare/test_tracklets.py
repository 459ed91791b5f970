"""Identities of people who are followed through an unlabelled video."""

from __future__ import annotations

import numpy as np

from training.data.labels import IGNORE, PERSON, Labels
from training.prepare.tracklets import SHORTEST, identify

WIDTH, HEIGHT = 640, 480


def rows(*people: tuple[float, float], kind: int = PERSON) -> Labels:
    """People of 60x200 pixels by the left upper corner."""
    return np.array(
        [(kind, -1, (x + 30) / WIDTH, (y + 100) / HEIGHT, 60 / WIDTH, 200 / HEIGHT) for x, y in people], np.float32
    ).reshape(-1, 6)


def ids(frames: list[Labels]) -> list[list[int]]:
    return [frame[:, 1].astype(int).tolist() for frame in identify(frames, WIDTH, HEIGHT)]


def test_two_people_who_walk_have_an_identity_each() -> None:
    walk = [rows((20 + 4 * t, 50), (500 - 4 * t, 200)) for t in range(SHORTEST + 5)]
    assert ids(walk) == [[0, 1]] * len(walk)


def test_boxes_and_classes_stay_and_so_does_the_argument() -> None:
    frame = rows((20, 50))
    walk = [frame] * SHORTEST
    for numbered in identify(walk, WIDTH, HEIGHT):
        np.testing.assert_array_equal(numbered[:, [0, 2, 3, 4, 5]], frame[:, [0, 2, 3, 4, 5]])
    assert frame[0, 1] == -1


def test_who_is_seen_for_too_short_stays_unknown_and_takes_no_number() -> None:
    passing = [rows((20, 50), (400, 200))] * (SHORTEST - 1)
    assert ids([*passing, *[rows((20, 50))] * 5]) == [[0, -1]] * len(passing) + [[0]] * 5


def test_a_moment_without_the_person_is_bridged_and_a_second_is_not() -> None:
    there, gone = [rows((20, 50))] * (SHORTEST + 1), rows()
    assert ids([*there, gone, *there])[-1] == [0]
    assert ids([*there, *[gone] * 30, *there])[-1] == [1]


def test_a_jump_is_somebody_else() -> None:
    """Who comes later counts from the second frame on, as in the tracker."""
    walk = [rows((20, 50))] * SHORTEST + [rows((300, 50))] * (SHORTEST + 1)
    assert ids(walk) == [[0]] * SHORTEST + [[-1]] + [[1]] * SHORTEST


def test_ignored_regions_have_no_identity() -> None:
    frames = [np.concatenate([rows((300, 50), kind=IGNORE), rows((20, 50))])] * SHORTEST
    assert ids(frames) == [[-1, 0]] * SHORTEST


def test_no_frames_and_frames_without_people() -> None:
    assert identify([], WIDTH, HEIGHT) == []
    assert ids([rows(), rows()]) == [[], []]
