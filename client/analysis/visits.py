"""Who is in a zone, from when to when.

The foot point is compared with the zone's border with a margin on both sides, as at lines: people are in once they are
clearly inside, and out once they are clearly outside. A person who appears is where the border says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from client.analysis.footsteps import Bools, Floats, Footsteps, Ints
from client.analysis.places import polygon_area


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Of one zone, K of them by first frame, then id."""

    ids: Ints  # (K,)
    first: Ints  # (K,) frames inside, both included
    last: Ints
    entered: Bools  # (K,) whether the border was crossed, or the person appeared inside
    left: Bools

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> Ints:
        """(K,) frames."""
        return self.last - self.first + 1

    def per_person(self) -> tuple[Ints, Ints]:
        """Ids, ascending, and the frames that each was inside in all."""
        ids, inverse = np.unique(self.ids, return_inverse=True)
        return ids, np.bincount(inverse, self.lengths, minlength=len(ids)).astype(np.int64)

    def occupancy(self, length: int) -> Ints:
        """(length,) people inside in each frame, from frame 1."""
        change = np.zeros(length + 2, np.int64)
        np.add.at(change, self.first, 1)
        np.add.at(change, self.last + 1, -1)
        return np.cumsum(change)[1 : length + 1]


def visits(steps: Footsteps, corners: Floats, hysteresis: float) -> Visits:
    """All visits to one zone.

    Args:
        corners: (P, 2) x, y, pixels, P >= 3.
        hysteresis: margin on either side of the border, in heights of the person; less in a zone so small that
            nobody could be clearly inside.
    """
    inside = _inside(steps, corners, hysteresis)
    edge = np.diff(inside.astype(np.int8))
    new = np.concatenate([[True], ~steps.joined])[: len(steps)]  # the first rows of runs
    end = np.concatenate([~steps.joined, [True]])[: len(steps)]
    begins = np.flatnonzero(inside & (new | np.concatenate([[False], edge > 0])[: len(steps)]))
    ends = np.flatnonzero(inside & (end | np.concatenate([edge < 0, [False]])[: len(steps)]))
    order = np.lexsort((steps.ids[begins], steps.frames[begins]))
    begins, ends = begins[order], ends[order]
    return Visits(
        ids=steps.ids[begins],
        first=steps.frames[begins],
        last=steps.frames[ends],
        entered=~new[begins],
        left=~end[ends],
    )


def moves(zones: Sequence[Visits]) -> tuple[Ints, Ints]:
    """People from zone to zone, two (Z, Z) matrices with the zone of origin in the rows.

    The first has each person once, from their first zone to their last, if they made two visits or more; the second
    each of their moves, from one visit to the next. On the diagonals are those who came back.
    """
    count = len(zones)
    ids = np.concatenate([zone.ids for zone in zones]) if zones else np.zeros(0, np.int64)
    first = np.concatenate([zone.first for zone in zones]) if zones else ids
    zone = np.repeat(np.arange(count), [len(zone) for zone in zones])
    order = np.lexsort((zone, first, ids))
    ids, zone = ids[order], zone[order]
    follows = ids[1:] == ids[:-1]
    each, whole = np.zeros((count, count), np.int64), np.zeros((count, count), np.int64)
    np.add.at(each, (zone[:-1][follows], zone[1:][follows]), 1)
    begins = np.flatnonzero(np.concatenate([[True], ~follows])[: len(ids)])
    ends = np.flatnonzero(np.concatenate([~follows, [True]])[: len(ids)])
    travelled = ends > begins
    np.add.at(whole, (zone[begins[travelled]], zone[ends[travelled]]), 1)
    return whole, each


def standing(steps: Footsteps, corners: Floats, hysteresis: float) -> tuple[Bools, Bools]:
    """(N,) whether the foot point is inside, and whether that is clear: beyond the margin, or first in its run."""
    inside, distance, near = _border(steps, corners, hysteresis)
    clear = np.ones(len(steps), bool)
    clear[near] = distance > _margin(corners, steps.heights[near] * hysteresis)
    clear[np.flatnonzero(~steps.joined) + 1] = True
    clear[:1] = True
    return inside, clear


def _inside(steps: Footsteps, corners: Floats, hysteresis: float) -> Bools:
    """(N,) whether the person is inside, with hysteresis."""
    count = len(steps)
    inside, clear = standing(steps, corners, hysteresis)
    # Each row is as the last one that was clear.
    decisive = np.maximum.accumulate(np.where(clear, np.arange(count), 0)) if count else np.zeros(0, np.int64)
    return inside[decisive]


def _margin(corners: Floats, wanted: Floats) -> Floats:
    """Half of area / perimeter, at most: an eighth of a square's side, a quarter of a strip's width."""
    perimeter = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T).sum()
    most = float(polygon_area(corners) / perimeter / 2)
    return np.minimum(wanted, most)


def _border(steps: Footsteps, corners: Floats, hysteresis: float) -> tuple[Bools, Floats, Ints]:
    """(N,) inside; and for the rows near the zone, the third array, their distance to its border in pixels.

    Far away rows are not measured: of a long video, most people are far from most zones.
    """
    reach = (steps.heights.max(initial=0) * hysteresis) + 1
    low, high = corners.min(axis=0) - reach, corners.max(axis=0) + reach
    x, y = steps.points.T
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    x, y = x[near], y[near]
    within = np.zeros(len(near), bool)
    least = np.full(len(near), np.inf)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = end - start
        from_x, from_y = x - start[0], y - start[1]
        share = ((from_x * side[0] + from_y * side[1]) / (side @ side)).clip(0, 1)
        least = np.minimum(least, (from_x - share * side[0]) ** 2 + (from_y - share * side[1]) ** 2)
        # A ray to the right leaves the zone through an odd number of sides.
        spans = (start[1] > y) != (end[1] > y)
        if side[1]:
            within ^= spans & (from_x < from_y * (side[0] / side[1]))
    inside = np.zeros(len(steps), bool)
    inside[near] = within
    return inside, np.sqrt(least), near
