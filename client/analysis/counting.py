"""Counts of one result: at lines by direction, in zones by visit, over time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from client.analysis.crossings import Crossings, crossings
from client.analysis.footsteps import Footsteps, Ints, footsteps
from client.analysis.places import Line, Places, Zone
from client.analysis.visits import Visits, moves, visits
from mot.errors import MotError
from mot.sequence import MotRows

_LONGEST_GAP = 10_000  # frames; each that is bridged is a row more
_LONGEST = 50_000_000  # frames, of a result that can be counted: three weeks at 25 a second
_MOST_INTERVALS = 100_000


@dataclass(frozen=True, kw_only=True)
class CountConfig:
    """How people are counted."""

    hysteresis: float = 0.1  # how far somebody must be past a line or border to count, in heights of the person
    max_gap: int = 60  # frames without a row that are bridged on a straight line
    interval: float = 60.0  # seconds that are counted together

    def __post_init__(self) -> None:
        if not 0 <= self.hysteresis <= 10:
            raise CountError(f"hysteresis {self.hysteresis} is not within 0 and 10 heights of a person")
        if not 0 <= self.max_gap <= _LONGEST_GAP:
            raise CountError(f"max_gap {self.max_gap} is not within 0 and {_LONGEST_GAP} frames")
        if not 0 < self.interval < math.inf:
            raise CountError(f"interval {self.interval} is not a positive number of seconds")


class CountError(MotError, ValueError):
    """A setting or a result that cannot be counted with; the message names it and its value."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Frames as time: frame 1 is at 0 s."""

    frame_rate: float  # frames per second
    length: int  # frames of the video, or up to the last row where that is not known
    interval: float  # seconds

    @property
    def intervals(self) -> int:
        """How many intervals the video has, the last of which may be shorter."""
        return int(self.interval_of(np.array([self.length]))[0]) + 1 if self.length else 0

    def seconds(self, frames: Ints) -> npt.NDArray[np.float64]:
        return (np.asarray(frames) - 1) / self.frame_rate

    def interval_of(self, frames: Ints) -> Ints:
        """The interval, from 0, in which a frame begins; a hair's breadth is no reason to fall short of a border."""
        return np.floor(self.seconds(frames) / self.interval + 1e-9).astype(np.int64)

    def bounds(self, number: int) -> tuple[float, float]:
        """Begin and end of an interval, seconds."""
        return float(number * self.interval), float(min((number + 1) * self.interval, self.length / self.frame_rate))

    def per_interval(self, frames: Ints) -> Ints:
        """(intervals,) how many of some events fall into each."""
        return np.bincount(self.interval_of(frames), minlength=self.intervals)


@dataclass(frozen=True, kw_only=True)
class LineCount:
    """What happened at one line."""

    line: Line
    crossings: Crossings
    clock: Clock

    @property
    def total_in(self) -> int:
        return int(self.crossings.entering.sum())

    @property
    def total_out(self) -> int:
        return len(self.crossings) - self.total_in

    @property
    def people(self) -> int:
        """Different ids that crossed it."""
        return len(np.unique(self.crossings.ids))

    def per_interval(self) -> tuple[Ints, Ints]:
        """In and out, (intervals,) each."""
        entering = self.crossings.entering
        return tuple(self.clock.per_interval(self.crossings.frames[which]) for which in (entering, ~entering))  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class ZoneCount:
    """What happened in one zone."""

    zone: Zone
    visits: Visits
    clock: Clock

    @property
    def entries(self) -> int:
        """Visits that began at the border; the others' people appeared inside."""
        return int(self.visits.entered.sum())

    @property
    def exits(self) -> int:
        """Visits that ended at the border; the others' people vanished inside."""
        return int(self.visits.left.sum())

    @property
    def people(self) -> int:
        return len(np.unique(self.visits.ids))

    @cached_property
    def occupancy(self) -> Ints:
        """(length,) people inside in each frame."""
        return self.visits.occupancy(self.clock.length)

    @property
    def dwell(self) -> npt.NDArray[np.float64]:
        """(K,) seconds of each visit."""
        return self.visits.lengths / self.clock.frame_rate

    @property
    def dwell_per_person(self) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Ids, and the seconds that each was inside in all."""
        ids, frames = self.visits.per_person()
        return ids, frames / self.clock.frame_rate

    def per_interval(self) -> tuple[Ints, Ints, npt.NDArray[np.float64], Ints]:
        """Entries, exits, and mean and greatest number of people inside, (intervals,) each."""
        entries = self.clock.per_interval(self.visits.first[self.visits.entered])
        exits = self.clock.per_interval(self.visits.last[self.visits.left])
        mean, most = over_intervals(self.occupancy, self.clock)
        return entries, exits, mean, most


@dataclass(frozen=True, kw_only=True)
class Counts:
    """All lines and zones of one result."""

    lines: tuple[LineCount, ...]
    zones: tuple[ZoneCount, ...]
    clock: Clock
    people: Ints  # (length,) people in the picture in each frame
    journeys: Ints  # (Z, Z) people by their first zone (rows) and last, see client.analysis.visits.moves
    moves: Ints  # (Z, Z) moves from one zone (rows) to the next


def count(
    rows: MotRows,
    places: Places,
    *,
    frame_rate: float,
    length: int | None = None,
    config: CountConfig | None = None,
    steps: Footsteps | None = None,
) -> Counts:
    """Count people at lines and in zones.

    Args:
        rows: a result; boxes in pixels of the picture that ``places`` are drawn on (see ``Places.scaled``).
        frame_rate: frames per second.
        length: frames of the video, where it is known; by default up to the last row.
        steps: ``footsteps(rows, config.max_gap)``, where the caller has kept it: part of the work.

    Raises:
        CountError: the result is too long, or the interval too short for it.
    """
    config = config or CountConfig()
    last = max(int(rows.frames.max(initial=0)), length or 0)
    clock = Clock(frame_rate=frame_rate, length=last, interval=config.interval)
    if last > _LONGEST:
        raise CountError(f"frame {last} is beyond {_LONGEST}, up to which people are counted; is the result damaged?")
    if clock.intervals > _MOST_INTERVALS:
        raise CountError(
            f"intervals of {config.interval:g} s are {clock.intervals} in this video; choose longer ones, so that "
            f"there are at most {_MOST_INTERVALS}"
        )
    steps = steps if steps is not None else footsteps(rows, config.max_gap)
    zones = tuple(
        ZoneCount(zone=zone, visits=visits(steps, zone.array, config.hysteresis), clock=clock) for zone in places.zones
    )
    journeys, between = moves([zone.visits for zone in zones])
    return Counts(
        lines=tuple(
            LineCount(line=line, crossings=crossings(steps, line.array, config.hysteresis), clock=clock)
            for line in places.lines
        ),
        zones=zones,
        clock=clock,
        people=people_per_frame(rows, clock.length),
        journeys=journeys,
        moves=between,
    )


def people_per_frame(rows: MotRows, length: int) -> Ints:
    """(length,) rows in each frame, from frame 1."""
    return np.bincount(rows.frames, minlength=length + 1)[1 : length + 1]


def over_intervals(per_frame: Ints, clock: Clock) -> tuple[npt.NDArray[np.float64], Ints]:
    """Mean and maximum within each interval, (intervals,) each."""
    if not clock.intervals:
        return np.zeros(0), np.zeros(0, np.int64)
    interval = clock.interval_of(np.arange(1, clock.length + 1))
    begins = np.searchsorted(interval, np.arange(clock.intervals))
    # An interval shorter than a frame holds none: nobody was seen in it.
    frames = np.bincount(interval, minlength=clock.intervals)
    totals = np.bincount(interval, per_frame, minlength=clock.intervals)
    most = np.zeros(clock.intervals, np.int64)
    held = frames > 0
    most[held] = np.maximum.reduceat(per_frame, begins[held])
    return totals / np.maximum(frames, 1), most
