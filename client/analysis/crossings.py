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

BAND, BEYOND = 0, 2  # near the line; near the line's extension past one of its ends
_NEARLY = 1e-9  # relative; two squared distances that differ by less are equal, and so is a place with an end of a line


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
    crossed, where = passages(steps, line)
    sides = np.full(len(steps), BEYOND, np.int8)
    # Only those who pass the line at all need be looked at closely: most people are far from most lines.
    passing = np.zeros(int(steps.runs[-1]) + 1 if len(steps) else 0, bool)
    passing[steps.runs[np.flatnonzero(crossed)]] = True
    rows = np.flatnonzero(passing[steps.runs])
    sides[rows] = sides_of(steps.points[rows], line, steps.heights[rows] * hysteresis)
    known = np.flatnonzero(sides != BAND)
    before, after = known[:-1], known[1:]
    net = np.concatenate([[0], np.cumsum(crossed)])  # net[i]: passages to the right up to row i
    passed = net[after] - net[before]
    same = steps.runs[before] == steps.runs[after]
    right = same & (sides[before] == -1) & (sides[after] == 1) & (passed > 0)
    left = same & (sides[before] == 1) & (sides[after] == -1) & (passed < 0)
    events = np.flatnonzero(right | left)
    # Behind the line since its last passage, although it is known only some frames later.
    through = np.flatnonzero(crossed)
    step = through[np.searchsorted(through, after[events]) - 1]
    order = np.lexsort((steps.ids[step + 1], steps.frames[step + 1]))
    step, events = step[order], events[order]
    return Crossings(
        frames=steps.frames[step + 1],
        ids=steps.ids[step + 1],
        directions=np.where(right[events], 1, -1).astype(np.int8),
        points=where[np.searchsorted(through, step)],
    )


def passages(steps: Footsteps, line: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """For each step, (N - 1,), passages through the line to the right, minus those to the left; and for each step that
    is not 0, the point of its (last) passage, (K, 2)."""
    joined = steps.joined
    crossed = np.zeros(max(0, len(steps) - 1), np.int8)
    where = np.zeros((len(crossed), 2))
    x, y = np.ascontiguousarray(steps.points.T)
    for number, (start, end) in enumerate(itertools.pairwise(line)):
        length = float(np.hypot(*(end - start)))
        ux, uy = (end - start) / length
        across = (y - start[1]) * ux - (x - start[0]) * uy
        right = across >= 0
        step = np.flatnonzero((right[1:] != right[:-1]) & joined)
        along = [(x[step + i] - start[0]) * ux + (y[step + i] - start[1]) * uy for i in (0, 1)]
        share = across[step] / (across[step] - across[step + 1])
        at = along[0] + share * (along[1] - along[0])
        for end_at in (0.0, length):  # exactly through an end, or a joint, is a matter of rounding
            at[np.abs(at - end_at) < _NEARLY * length] = end_at
        # Half open, so that a passage through a joint is not one of both segments.
        inside = (at >= 0) & ((at <= length) if number == len(line) - 2 else (at < length))
        step, at = step[inside], at[inside]
        crossed[step] += np.where(right[step + 1], 1, -1).astype(np.int8)
        where[step] = start + at[:, None] * [ux, uy]
    return crossed, where[crossed != 0]


def sides_of(points: Floats, line: Floats, margin: Floats) -> npt.NDArray[np.int8]:
    """(N,) -1 left and 1 right of the line by more than ``margin``, BEYOND past an end by more than it, else BAND.

    Past the ends of the line, its extensions count, so that somebody is before or behind it there, too.
    """
    x, y = np.ascontiguousarray(points.T)
    nearest = np.full(len(points), np.inf)  # squared distance to the nearest segment
    aside = np.zeros(len(points))  # signed distance to that segment's extension
    past = np.zeros(len(points))  # how far past an end of the whole line
    for number, (start, end) in enumerate(itertools.pairwise(line)):
        length = float(np.hypot(*(end - start)))
        ux, uy = (end - start) / length
        from_x, from_y = x - start[0], y - start[1]
        across = from_y * ux - from_x * uy  # positive: on the right hand, as y points down
        along = from_x * ux + from_y * uy
        over = np.maximum(np.maximum(-along, along - length), 0)
        distance = across * across + over * over
        # Two segments are equally near to a point outside of their joint; the one it is more aside of knows its side.
        tie = np.abs(distance - nearest) < _NEARLY * (1 + distance) if number else False
        better = np.where(tie, np.abs(across) > np.abs(aside), distance < nearest)
        nearest[better], aside[better] = distance[better], across[better]
        at_end = ((along < 0) & (number == 0)) | ((along > 0) & (number == len(line) - 2))
        past[better] = np.where(at_end, over, 0)[better]
    away = np.where(past > 0, np.abs(aside), np.sqrt(nearest))
    return np.where(away > margin, np.sign(aside), np.where(past > margin, BEYOND, BAND)).astype(np.int8)
