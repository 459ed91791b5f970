"""Who crosses a line, when, and in which direction.

A person crosses by the foot point, through the line itself and not beyond its ends, from clearly before it to clearly
behind it: *clearly* is a margin in parts of the person's own height, on both sides. So a trembling box counts once,
standing on the line counts nothing, and neither does coming back from it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.analysis.footsteps import Bools, Floats, Footsteps, Ints

_BAND, _BEYOND = 0, 2  # near the line; near the line's extension past one of its ends
_NEARLY = 1e-6  # pixels; two segments as near as this to a point are equally near


@dataclass(frozen=True, kw_only=True)
class Crossings:
    """Of one line, K of them by time, then id."""

    frames: Ints  # (K,) in which the foot point is behind the line for the first time
    ids: Ints  # (K,)
    directions: npt.NDArray[np.int8]  # (K,) 1 is in, -1 out: see client.analysis.places.Line
    points: Floats  # (K, 2) x, y, pixels: where the line is crossed

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def entering(self) -> Bools:
        return np.asarray(self.directions > 0)


def crossings(steps: Footsteps, line: Floats, hysteresis: float) -> Crossings:
    """All crossings of one line.

    Args:
        line: (P, 2) x, y, pixels, P >= 2.
        hysteresis: margin on either side, in heights of the person.
    """
    sides, crossed, where = _sides_and_steps(steps, line, steps.heights * hysteresis)
    known = np.flatnonzero(sides != _BAND)
    before, after = known[:-1], known[1:]
    net = np.concatenate([[0], np.cumsum(crossed)])  # net[i]: passages to the right up to row i
    passed = net[after] - net[before]
    same = steps.runs[before] == steps.runs[after]
    right = same & (sides[before] == -1) & (sides[after] == 1) & (passed > 0)
    left = same & (sides[before] == 1) & (sides[after] == -1) & (passed < 0)
    events = np.flatnonzero(right | left)
    # Behind the line since its last passage, although it is known only some frames later.
    passages = np.flatnonzero(crossed)
    step = passages[np.searchsorted(passages, after[events]) - 1]
    order = np.lexsort((steps.ids[step + 1], steps.frames[step + 1]))
    step, events = step[order], events[order]
    return Crossings(
        frames=steps.frames[step + 1],
        ids=steps.ids[step + 1],
        directions=np.where(right[events], 1, -1).astype(np.int8),
        points=where[np.searchsorted(passages, step)],
    )


def _sides_and_steps(
    steps: Footsteps, line: Floats, margin: Floats
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8], Floats]:
    """Sides (N,): -1 left, 1 right, _BAND or _BEYOND; steps (N - 1,): passages to the right, minus those to the left;
    and for each step that is not 0, the point of its (last) passage, (K, 2)."""
    joined = steps.joined
    crossed = np.zeros(max(0, len(steps) - 1), np.int8)
    where = np.zeros((len(crossed), 2))
    nearest = _Nearest(len(steps))
    last = len(line) - 2
    for number, (start, end) in enumerate(itertools.pairwise(line)):
        length = float(np.hypot(*(end - start)))
        along_line = (end - start) / length
        x, y = steps.points[:, 0] - start[0], steps.points[:, 1] - start[1]
        along = x * along_line[0] + y * along_line[1]
        across = y * along_line[0] - x * along_line[1]  # positive: on the right hand, as y points down
        nearest.add(along, across, length, first=number == 0, last=number == last)
        right = across >= 0
        passing = np.flatnonzero((right[1:] != right[:-1]) & joined)
        share = across[passing] / (across[passing] - across[passing + 1])
        at = along[passing] + share * (along[passing + 1] - along[passing])
        # Half open, so that a passage through a joint is not one of both segments.
        inside = (at >= 0) & ((at <= length) if number == last else (at < length))
        passing, at = passing[inside], at[inside]
        crossed[passing] += np.where(right[passing + 1], 1, -1).astype(np.int8)
        where[passing] = start + at[:, None] * along_line
    return nearest.sides(margin), crossed, where[crossed != 0]


class _Nearest:
    """For each point, how far it is from a line of several segments, and on which side."""

    def __init__(self, count: int) -> None:
        self._distance = np.full(count, np.inf)  # pixels, to the nearest segment
        self._across = np.zeros(count)  # signed, to that segment's extension
        self._over = np.zeros(count)  # how far past an end of the whole line

    def add(self, along: Floats, across: Floats, length: float, *, first: bool, last: bool) -> None:
        """One more segment; ``along`` and ``across`` are the points' coordinates in its frame, pixels."""
        over = np.maximum(-along, along - length)
        np.maximum(over, 0, out=over)
        ends = over if first and last else np.where((along < 0) if first else (along > 0) & last, over, 0)
        if first:
            self._distance, self._across, self._over = np.hypot(across, over), across, ends
            return
        distance = np.hypot(across, over)
        # Two segments are equally near to a point outside of their joint; the one it is more aside of knows its side.
        tie = np.abs(distance - self._distance) < _NEARLY
        better = np.where(tie, np.abs(across) > np.abs(self._across), distance < self._distance)
        self._distance = np.where(better, distance, self._distance)
        self._across = np.where(better, across, self._across)
        self._over = np.where(better, ends, self._over)

    def sides(self, margin: Floats) -> npt.NDArray[np.int8]:
        """-1 left and 1 right by more than ``margin``, _BEYOND past an end by more than it, else _BAND.

        Past the ends of the line, its extensions count, so that somebody is before or behind it there, too.
        """
        aside = np.where(self._over > 0, np.abs(self._across), self._distance)
        side = np.where(aside > margin, np.sign(self._across), np.where(self._over > margin, _BEYOND, _BAND))
        return side.astype(np.int8)
