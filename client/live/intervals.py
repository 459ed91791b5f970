"""Counts by interval: what has happened before a camera in each minute of the clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from client.analysis.places import Places
from client.live.walkers import Happening
from client.log_lines import stamp

_SET_BACK = 5.0  # seconds before the interval that a frame may be from: the interval has begun without it
_MOST_EMPTY = 100  # intervals without a frame that are told each by itself


@dataclass(kw_only=True)
class _Sums:
    """Of one interval."""

    inside: list[int]  # people in each zone, summed over the frames
    inside_most: list[int]
    frames: int = 0
    people: int = 0  # summed over the frames
    most: int = 0
    happened: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # by kind, place, direction


class Intervals:
    """Sums up frames and happenings from one multiple of the interval to the next.

    What is known late counts in the interval in which it is known, so that nothing is lost and nothing twice. A clock
    that is set back ends an interval early.
    """

    def __init__(self, seconds: float, places: Places | None, tell: Callable[[float, dict[str, Any]], None]) -> None:
        """``tell``: takes the end of an interval, seconds since 1970, and its counts."""
        self._seconds, self._places, self._tell = seconds, places, tell
        self._begin: float | None = None
        self._last = 0.0  # the latest moment of this interval that is known
        self._sums = self._nothing()

    def frame(self, wall: float, people: int, inside: list[int], happened: list[Happening]) -> None:
        """One more frame, its people, those in each zone, and what it has brought to light."""
        self.reach(wall)
        self._last = wall
        sums = self._sums
        sums.frames, sums.people, sums.most = sums.frames + 1, sums.people + people, max(sums.most, people)
        sums.inside = [a + b for a, b in zip(sums.inside, inside, strict=True)]
        sums.inside_most = [max(a, b) for a, b in zip(sums.inside_most, inside, strict=True)]
        self.happen(happened)

    def happen(self, happened: list[Happening]) -> None:
        """This has come to light, with a frame or without."""
        self._sums.happened.update((one.kind, one.place, one.direction) for one in happened)

    def reach(self, wall: float) -> None:
        """So late it is, with or without frames."""
        if self._begin is None:
            self._begin = wall
        if wall < self._begin - _SET_BACK:
            self._flush(max(self._begin, self._last))
            self._begin = wall
        told = 0
        while wall >= (end := self._end):
            if told >= _MOST_EMPTY:  # as after a night without a frame; or the clock was wrong by years
                self._begin = wall // self._seconds * self._seconds
                break
            self._flush(end)
            self._begin = end
            told += 1

    def close(self, wall: float) -> None:
        """The last interval ends now."""
        if self._begin is None:
            return
        self.reach(wall)
        if self._sums.frames or wall > self._begin:
            self._flush(max(self._begin, wall))
        self._begin = None

    @property
    def _end(self) -> float:
        assert self._begin is not None
        return (self._begin // self._seconds + 1) * self._seconds

    def _nothing(self) -> _Sums:
        zones = 0 if self._places is None else len(self._places.zones)
        return _Sums(inside=[0] * zones, inside_most=[0] * zones)

    def _flush(self, end: float) -> None:
        assert self._begin is not None
        sums, counter = self._sums, self._sums.happened
        each = max(1, sums.frames)
        counts: dict[str, Any] = {
            "begin": stamp(self._begin),
            "end": stamp(end),
            "frames": sums.frames,
            "people": {
                "mean": round(sums.people / each, 3),
                "most": sums.most,
                "appeared": counter["appeared", "", ""],
                "left": counter["left", "", ""],
            },
        }
        if self._places is not None:
            counts["lines"] = [
                {
                    "line": line.name,
                    "in": counter["crossed", line.name, "in"],
                    "out": counter["crossed", line.name, "out"],
                }
                for line in self._places.lines
            ]
            counts["zones"] = [
                {
                    "zone": zone.name,
                    "entered": counter["entered", zone.name, ""],
                    "exited": counter["exited", zone.name, ""],
                    "mean": round(sums.inside[number] / each, 3),
                    "most": sums.inside_most[number],
                }
                for number, zone in enumerate(self._places.zones)
            ]
        self._sums = self._nothing()
        self._tell(end, counts)
