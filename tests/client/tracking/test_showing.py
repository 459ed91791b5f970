"""client.tracking.showing: where the lost are still believed to be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client.tracking import ByteConfig
from client.tracking.tracker import Tracker
from mot.detections import Detections
from tests.client.tracking.scenes import Person, frame, ids, run

CONFIG = ByteConfig(coast=0.1, coast_hidden=0.5)  # 1 and 5 frames at 10 frames per second
FAR = (700.0, 400.0, 0.9, 1)
STANDING = (300.0, 100.0, 0.95, 0)  # the best score of the first frame: id 1


def tracker() -> Tracker:
    return CONFIG.tracker(10)


def seen(*people: Person) -> Detections:
    """These and somebody far away on either side, who show how large the picture is."""
    return frame(*people, (0.0, 0.0, 0.9, 2), FAR)


def lasting(scene: list[Detections], after: list[Detections]) -> int:
    """Frames for which the first of the scene is shown after it."""
    return sum(1 in each for each in ids(run(tracker(), scene + after))[len(scene) :])


def test_shortly_where_nobody_stands_in_front() -> None:
    assert lasting([seen(STANDING)] * 8, [seen()] * 8) == 1


@pytest.mark.parametrize(("aside", "frames"), [(0, 5), (10, 5), (20, 1), (40, 1)])
def test_longer_behind_somebody(aside: float, frames: int) -> None:
    """The box in front is 40 wide and 10 lower: 10 aside it covers 0.68 of the other, 20 aside 0.45."""
    front = (300.0 + aside, 110.0, 0.9, 3)
    assert lasting([seen(STANDING, front)] * 8, [seen(front)] * 8) == frames


def test_no_longer_than_they_were_seen() -> None:
    """A false detection that lasted for two frames does not stay for five."""
    config = replace(CONFIG, coast=0.5)
    scene = [seen()] * 3 + [seen((300.0, 100.0, 0.9, 3))] * 2
    assert [len(each) for each in ids(run(config.tracker(10), scene + [seen()] * 5))] == [2] * 4 + [3, 3] + [2] * 4


@pytest.mark.parametrize(("left", "shown"), [(600.0, True), (730.0, False)])
def test_not_beyond_what_was_ever_seen(left: float, shown: bool) -> None:
    """Somebody runs by 30 pixels a frame; the picture seems to end at 740, where the other's box does."""
    scene = [seen((left - 30 * (12 - t), 100.0, 0.95, 0)) for t in range(12)]
    assert bool(lasting(scene, [seen()])) == shown
