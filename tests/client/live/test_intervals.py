"""Counts by interval."""

from __future__ import annotations

from typing import Any

from client.analysis.places import Places
from client.live.intervals import Intervals
from client.live.walkers import Happening, Moment

PLACES = Places.parse(
    {
        "width": 64,
        "height": 48,
        "lines": [{"name": "gate", "points": [[0, 9], [64, 9]]}],
        "zones": [{"name": "hall", "points": [[0, 0], [64, 0], [64, 48]]}],
    }
)
NOON = 1_800_000_000.0  # a multiple of 60


def crossing(direction: str = "in") -> Happening:
    moment = Moment(index=1, seconds=0, wall=NOON)
    return Happening(kind="crossed", moment=moment, person=1, place="gate", direction=direction)  # type: ignore[arg-type]


def counting(places: Places | None = PLACES) -> tuple[Intervals, list[tuple[float, dict[str, Any]]]]:
    told: list[tuple[float, dict[str, Any]]] = []
    return Intervals(60, places, lambda end, counts: told.append((end - NOON, counts))), told


def test_they_end_at_the_multiples_of_the_clock() -> None:
    intervals, told = counting()
    for second in (50, 59.9, 60, 119, 121):
        intervals.frame(NOON + second, 2, [1], [crossing()])
    intervals.close(NOON + 121)
    assert [end for end, _ in told] == [60, 120, 121]
    assert [counts["frames"] for _, counts in told] == [2, 2, 1]
    assert [counts["lines"][0]["in"] for _, counts in told] == [2, 2, 1]
    assert told[1][1]["begin"].endswith(":01:00.000Z") and told[1][1]["end"].endswith(":02:00.000Z")
    assert told[0][1]["zones"] == [{"zone": "hall", "entered": 0, "exited": 0, "mean": 1.0, "most": 1}]


def test_those_without_a_frame_are_told_too() -> None:
    intervals, told = counting(None)
    intervals.frame(NOON + 30, 1, [], [])
    intervals.reach(NOON + 185)
    assert [(end, counts["frames"], counts["people"]["mean"]) for end, counts in told] == [
        (60, 1, 1.0),
        (120, 0, 0.0),
        (180, 0, 0.0),
    ]
    assert "lines" not in told[0][1]


def test_a_frame_that_comes_as_an_interval_has_just_ended_counts_in_the_next() -> None:
    intervals, told = counting()
    intervals.frame(NOON + 30, 1, [0], [])
    intervals.reach(NOON + 61)
    intervals.frame(NOON + 59, 1, [0], [crossing("out")])
    intervals.close(NOON + 62)
    assert [(end, counts["frames"], counts["lines"][0]["out"]) for end, counts in told] == [(60, 1, 0), (62, 1, 1)]


def test_a_clock_that_is_set_back_loses_and_doubles_nothing() -> None:
    intervals, told = counting()
    intervals.frame(NOON + 3630, 1, [0], [crossing()])
    intervals.frame(NOON + 10, 1, [0], [crossing()])
    intervals.frame(NOON + 20, 1, [0], [crossing()])
    intervals.close(NOON + 20)
    assert [(end, counts["lines"][0]["in"]) for end, counts in told] == [(3630, 1), (20, 2)]


def test_a_clock_that_is_set_ahead_by_years_is_not_told_by_the_minute() -> None:
    intervals, told = counting()
    intervals.frame(NOON, 1, [0], [])
    intervals.frame(NOON + 5e8, 1, [0], [])
    assert len(told) <= 101


def test_without_a_frame_there_is_nothing() -> None:
    intervals, told = counting()
    intervals.close(NOON)
    assert told == []
