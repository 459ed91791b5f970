"""The people before one camera, frame by frame: who appears, leaves, crosses a line, enters and exits a zone.

What counts is what :mod:`client.analysis` counts in a finished result, by the same geometry; it is told as soon as it
is certain, which is when somebody is clearly past a line or border.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from client.analysis.crossings import BAND, passages, sides_of
from client.analysis.footsteps import Floats, Footsteps
from client.analysis.places import Places
from client.analysis.visits import standing
from mot.detections import Tracks

_REMEMBERED = 600.0  # seconds for which those who left are known; no tracker gives their id to others


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a frame was taken."""

    index: int  # the source's number of the frame
    seconds: float  # since the source's first frame; grows
    wall: float  # seconds since 1970

    def towards(self, later: Moment, share: float) -> Moment:
        """Between this and a later one."""
        return Moment(
            index=self.index + round(share * (later.index - self.index)),
            seconds=self.seconds + share * (later.seconds - self.seconds),
            wall=self.wall + share * (later.wall - self.wall),
        )


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something that somebody did."""

    kind: Literal["appeared", "left", "crossed", "entered", "exited"]
    moment: Moment
    person: int
    place: str = ""  # name of the line or zone
    direction: Literal["", "in", "out"] = ""  # over a line
    at: tuple[float, float] | None = None  # x, y, pixels: where the line is crossed
    by_border: bool = True  # of a zone: entered or exited so, or by appearing or vanishing inside
    again: bool = False  # of one who appears: had left before


@dataclass(kw_only=True)
class _AtLine:
    """Of one person and line."""

    side: int = BAND  # where they were when that was last clear
    net: int = 0  # passages to the right since, minus those to the left
    passage: tuple[Moment, tuple[float, float]] | None = None  # the last one


@dataclass(kw_only=True)
class _Person:
    last: Moment
    foot: tuple[float, float, float]  # x, y, height; pixels
    lines: list[_AtLine]
    inside: list[bool] = field(default_factory=list)  # by zone


class Walkers:
    """All people before one camera. Memory grows with those who are there, not with time."""

    def __init__(self, places: Places | None, *, left_after: float, hysteresis: float) -> None:
        """
        Args:
            places: in the frames' pixels.
            left_after: seconds unseen after which somebody has left; shorter gaps are bridged on a straight line.
            hysteresis: how far somebody must be past a line or border, in own heights.
        """
        self._lines = [] if places is None else [(line.name, line.array) for line in places.lines]
        self._zones = [] if places is None else [(zone.name, zone.array) for zone in places.zones]
        self._left_after, self._hysteresis = left_after, hysteresis
        self._here: dict[int, _Person] = {}
        self._gone: dict[int, float] = {}  # id -> when they left

    def update(self, moment: Moment, tracks: Tracks) -> list[Happening]:
        """Take the next frame's people, boxes in pixels; what has become certain by them."""
        happened = list(self._leave(moment.seconds))
        steps, ways = self._walk(moment, tracks)
        for way in ways:
            if way.begun is None:
                again = self._gone.pop(way.id, None) is not None
                happened.append(Happening(kind="appeared", moment=moment, person=way.id, again=again))
        for number, (name, line) in enumerate(self._lines):
            happened += self._cross(steps, ways, number, name, line)
        for number, (name, corners) in enumerate(self._zones):
            happened += self._visit(steps, ways, number, name, corners)
        return happened

    def close(self) -> list[Happening]:
        """Nobody will be seen any more: all leave who are still here."""
        return list(self._leave(math.inf))

    def inside(self) -> list[int]:
        """How many people are in each zone."""
        return [sum(person.inside[number] for person in self._here.values()) for number in range(len(self._zones))]

    def _leave(self, now: float) -> Iterator[Happening]:
        for id, person in list(self._here.items()):
            if now - person.last.seconds > self._left_after:
                del self._here[id]
                self._gone[id] = person.last.seconds
                for (name, _), inside in zip(self._zones, person.inside, strict=True):
                    if inside:
                        yield Happening(kind="exited", moment=person.last, person=id, place=name, by_border=False)
                yield Happening(kind="left", moment=person.last, person=id)
        for id, left in list(self._gone.items()):
            if now - left > _REMEMBERED:
                del self._gone[id]

    def _walk(self, moment: Moment, tracks: Tracks) -> tuple[Footsteps, list[_Way]]:
        """Each person's way since they were last seen, the frames between filled; notes where they are now."""
        chains, ways, rows = [np.zeros((0, 3))], [], 0
        for id, (left, top, right, bottom) in zip(tracks.ids.tolist(), tracks.boxes.tolist(), strict=True):
            foot = ((left + right) / 2, bottom, bottom - top)
            person = self._here.get(id)
            if person is None:
                person = _Person(last=moment, foot=foot, lines=[_AtLine() for _ in self._lines])
                person.inside = [False] * len(self._zones)
                self._here[id] = person
                way = _Way(id=id, person=person, first=rows, count=1, begun=None, now=moment)
            else:
                count = moment.index - person.last.index + 1
                way = _Way(id=id, person=person, first=rows, count=count, begun=person.last, now=moment)
            chains.append(np.linspace(person.foot, foot, way.count))
            person.last, person.foot = moment, foot
            ways.append(way)
            rows += way.count
        table, counts = np.concatenate(chains), [way.count for way in ways]
        steps = Footsteps(
            frames=np.concatenate([np.arange(count) for count in [0, *counts]]) + moment.index,
            ids=np.repeat(np.array([way.id for way in ways], np.int64), counts),
            runs=np.repeat(np.arange(len(ways)), counts),
            points=table[:, :2].copy(),
            heights=table[:, 2].copy(),
        )
        return steps, ways

    def _cross(self, steps: Footsteps, ways: list[_Way], number: int, name: str, line: Floats) -> Iterator[Happening]:
        crossed, where = passages(steps, line)
        points = dict(zip(np.flatnonzero(crossed).tolist(), where.tolist(), strict=True))
        sides = sides_of(steps.points, line, steps.heights * self._hysteresis).tolist()
        for way in ways:
            at = way.person.lines[number]
            for row in way.new_rows:
                if row - 1 in points:
                    x, y = points[row - 1]
                    at.net, at.passage = at.net + int(crossed[row - 1]), (way.moment(row), (x, y))
                if sides[row] == BAND:
                    continue
                entering = at.side == -1 and sides[row] == 1 and at.net > 0
                if entering or (at.side == 1 and sides[row] == -1 and at.net < 0):
                    assert at.passage is not None, "who is behind the line has passed it"
                    moment, point = at.passage
                    direction: Literal["in", "out"] = "in" if entering else "out"
                    yield Happening(
                        kind="crossed", moment=moment, person=way.id, place=name, direction=direction, at=point
                    )
                at.side, at.net = sides[row], 0

    def _visit(
        self, steps: Footsteps, ways: list[_Way], number: int, name: str, corners: Floats
    ) -> Iterator[Happening]:
        within, clear = standing(steps, corners, self._hysteresis)
        for way in ways:
            person = way.person
            for row in way.new_rows:
                if clear[row] and within[row] != person.inside[number]:
                    person.inside[number] = bool(within[row])
                    kind: Literal["entered", "exited"] = "entered" if within[row] else "exited"
                    by_border = way.begun is not None
                    yield Happening(kind=kind, moment=way.moment(row), person=way.id, place=name, by_border=by_border)


@dataclass(frozen=True, kw_only=True)
class _Way:
    """Somebody's rows in the footsteps of one frame: where they were last, what lies between, where they are."""

    id: int
    person: _Person
    first: int  # row
    count: int
    begun: Moment | None  # of the first row; None of those who appear, whose only row is now
    now: Moment

    @property
    def new_rows(self) -> range:
        return range(self.first + (self.begun is not None), self.first + self.count)

    def moment(self, row: int) -> Moment:
        if self.begun is None:
            return self.now
        return self.begun.towards(self.now, (row - self.first) / (self.count - 1))
