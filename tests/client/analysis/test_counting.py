"""Counts over time, and the limits of what is counted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from client.analysis.counting import Clock, CountConfig, CountError, count, over_intervals
from client.analysis.footsteps import footsteps
from client.analysis.places import Places
from tests.client.analysis.walks import walks, way

PLACES = Places.parse(
    {
        "width": 640,
        "height": 480,
        "lines": [{"name": "door", "points": [[100, 300], [300, 300]]}],
        "zones": [{"name": "hall", "points": [[100, 300], [300, 300], [300, 450], [100, 450]]}],
    }
)
TWO_SECONDS = CountConfig(interval=2)


def test_line_and_zone_over_time() -> None:
    # Ten frames a second; in at frame 7, at 0.6 s; out at frame 30 + 6, at 3.5 s.
    rows = walks({1: way((200, 245), (200, 355)), 2: dict(enumerate(way((150, 355), (150, 245)), start=30))})
    counts = count(rows, PLACES, frame_rate=10, length=60, config=TWO_SECONDS)
    [line], [zone] = counts.lines, counts.zones
    assert (line.total_in, line.total_out, line.people) == (1, 1, 2)
    assert [column.tolist() for column in line.per_interval()] == [[1, 0, 0], [0, 1, 0]]
    assert (zone.entries, zone.exits, zone.people) == (1, 1, 2)
    entries, exits, mean, most = zone.per_interval()
    assert entries.tolist() == [1, 0, 0] and exits.tolist() == [0, 1, 0] and most.tolist() == [1, 1, 0]
    assert zone.occupancy.sum() == zone.visits.lengths.sum() == pytest.approx(mean.sum() * 20)
    assert zone.dwell.tolist() == (zone.visits.lengths / 10).tolist()
    ids, seconds = zone.dwell_per_person
    assert ids.tolist() == [1, 2] and seconds.tolist() == zone.dwell.tolist()
    assert len(counts.people) == 60 and counts.people.sum() == len(rows)


def test_given_footsteps_change_nothing() -> None:
    rows = walks({1: way((200, 245), (200, 355))})
    plain, given = (count(rows, PLACES, frame_rate=10, steps=s) for s in (None, footsteps(rows, 60)))
    assert plain.lines[0].total_in == given.lines[0].total_in == 1


def test_no_rows() -> None:
    counts = count(walks({}), PLACES, frame_rate=10, config=TWO_SECONDS)
    assert counts.clock.intervals == 0 and len(counts.people) == 0
    assert [len(column) for column in counts.zones[0].per_interval()] == [0, 0, 0, 0]
    assert (counts.lines[0].total_in, counts.lines[0].people, counts.zones[0].entries) == (0, 0, 0)


def test_no_rows_of_a_video_that_has_frames() -> None:
    counts = count(walks({}), PLACES, frame_rate=10, length=25, config=TWO_SECONDS)
    assert counts.clock.intervals == 2 and counts.people.tolist() == [0] * 25


def test_one_row() -> None:
    counts = count(walks({1: [(200, 400)]}), PLACES, frame_rate=10)
    assert len(counts.lines[0].crossings) == 0 and counts.zones[0].occupancy.tolist() == [1]


def test_the_first_frame_of_an_interval_is_its_own() -> None:
    clock = Clock(frame_rate=30000 / 1001, length=3000, interval=1001 / 30000 * 30)
    assert clock.interval_of(np.array([1, 30, 31, 60, 61])).tolist() == [0, 0, 1, 1, 2]
    assert clock.intervals == 100


def test_the_last_interval_ends_with_the_video() -> None:
    clock = Clock(frame_rate=10, length=25, interval=2)
    assert [clock.bounds(number) for number in range(clock.intervals)] == [(0, 2), (2, 2.5)]


def test_mean_and_most_of_intervals_shorter_than_a_frame() -> None:
    clock = Clock(frame_rate=1, length=3, interval=0.5)
    mean, most = over_intervals(np.array([4, 0, 2]), clock)
    assert mean.tolist() == [4, 0, 0, 0, 2] and most.tolist() == [4, 0, 0, 0, 2]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"hysteresis": -0.1}, "hysteresis -0.1"),
        ({"hysteresis": float("nan")}, "hysteresis nan"),
        ({"max_gap": -1}, "max_gap -1"),
        ({"max_gap": 10**9}, "max_gap 1000000000"),
        ({"interval": 0}, "interval 0"),
    ],
)
def test_settings_that_cannot_be(values: dict[str, float], words: str) -> None:
    with pytest.raises(CountError, match=words):
        CountConfig(**values)  # type: ignore[arg-type]


def test_a_frame_number_out_of_all_measure_is_refused_before_memory_is_taken() -> None:
    rows = walks({1: [(1, 2)]})
    rows = dataclasses.replace(rows, frames=rows.frames + 2**31 - 3)
    with pytest.raises(CountError, match="frame 2147483646 is beyond 50000000"):
        count(rows, PLACES, frame_rate=10)
    with pytest.raises(CountError, match=r"intervals of 0\.001 s are .* choose longer ones"):
        count(walks({1: {2000: (1, 2)}}), PLACES, frame_rate=10, config=CountConfig(interval=0.001))
