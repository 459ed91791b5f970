"""client.tracking.ocsort: what its observations add to overlap."""

from __future__ import annotations

import numpy as np
import pytest

from client.tracking import OcSortConfig, OcSortTracker, TrackerError
from tests.client.tracking.scenes import frame, ids, run


def test_a_lost_person_is_found_where_last_seen() -> None:
    """Walking, then hidden and waiting: the filters have gone on, the last observation has not."""
    walk = [frame((10 + 8 * t, 20, 0.9, 0)) for t in range(12)]
    hidden, last = [frame()] * 8, 10 + 8 * 11
    assert ids(run(OcSortTracker(), walk + hidden + [frame((last + 4, 20, 0.9, 0))]))[-1] == [1]


def test_who_comes_back_is_expected_by_what_was_seen() -> None:
    """Re-update: after a gap in which someone slowed down, the speed is that between the two sightings."""
    walk = [frame((10 + 8 * t, 20, 0.9, 0)) for t in range(12)]
    back = 10 + 8 * 11 + 20  # one pixel a frame over the gap
    tracker = OcSortTracker()
    run(tracker, walk + [frame()] * 19 + [frame((back, 20, 0.9, 0))])
    speed = float(tracker._table.tracks["motion"][0, 1, 0])
    assert 0.5 < speed < 2.5  # before the gap it was 8


def test_boxes_are_the_detections_own() -> None:
    scene = [frame((10 + 8 * t + (-1) ** t * 3, 20, 0.9, 0)) for t in range(12)]
    for detections, tracks in zip(scene, run(OcSortTracker(), scene), strict=True):
        np.testing.assert_array_equal(tracks.boxes, detections.boxes)


def test_weak_detections_are_used_only_on_wish() -> None:
    scene = [frame((10, 20, 0.9, 0))] * 4 + [frame((10, 20, 0.3, 0))]
    assert ids(run(OcSortTracker(), scene))[-1] == []
    assert ids(run(OcSortTracker(OcSortConfig(use_byte=True)), scene))[-1] == [1]


def test_the_history_is_limited() -> None:
    with pytest.raises(TrackerError, match="delta_t is 6, but must be a whole number from 1 to 5"):
        OcSortConfig(delta_t=6)
