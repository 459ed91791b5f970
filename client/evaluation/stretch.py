"""Stretches of frames in which one result makes mistakes that another does not make."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.evaluation.mistakes import Mistakes, per_frame


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Frames ``first`` to ``last`` of a sequence, and the mistakes in them that the other result lacks."""

    sequence: str
    first: int
    last: int
    missed: int
    false: int
    switched: int
    people: tuple[int, ...]  # of the label file, missed or switched in them; the most often first

    @property
    def mistakes(self) -> int:
        """All of them, each counted once."""
        return self.missed + self.false + self.switched


def find_stretches(sequence: str, ours: Mistakes, theirs: Mistakes, most: int) -> list[Stretch]:
    """At most ``most`` stretches of mistakes that only ``ours`` makes, the worst first.

    A person missed or switched in a frame is compared with the same person in the same frame. False boxes have no
    counterpart, so those count that are more than the other's in the frame. A stretch goes on as long as it pays: each
    frame costs twice the mean of new mistakes in the frames that no stretch has yet, or half of what the worst of
    these has where that is less, as it is where all are as bad.
    """
    missed, switched = _only(ours.missed, theirs.missed), _only(ours.switched, theirs.switched)
    last = max(ours.last, theirs.last)  # they may end apart where no length is known
    new_missed, new_switched = (per_frame(rows[:, 0], ours.first, last) for rows in (missed, switched))
    false = np.maximum(per_frame(ours.false, ours.first, last) - per_frame(theirs.false, ours.first, last), 0)
    new = new_missed + new_switched + false
    free = np.ones(len(new), bool)
    found = []
    for _ in range(most):
        left = new[free]
        if not left.any():
            break
        begin, end = _largest_sum(np.where(free, new - min(2 * left.mean(), left.max() / 2), -np.inf))
        free[begin:end] = False
        frames = ours.first + begin, ours.first + end - 1
        events = np.concatenate([missed, switched])
        events = events[(events[:, 0] >= frames[0]) & (events[:, 0] <= frames[1])]
        found.append(
            Stretch(
                sequence=sequence,
                first=frames[0],
                last=frames[1],
                missed=int(new_missed[begin:end].sum()),
                false=int(false[begin:end].sum()),
                switched=int(new_switched[begin:end].sum()),
                people=tuple(person for person, _ in Counter(events[:, 1].tolist()).most_common()),
            )
        )
    return sorted(found, key=lambda stretch: -stretch.mistakes)


def _only(ours: npt.NDArray[np.int64], theirs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Those of (N, 2) frames and people that are not among (M, 2) others."""
    others = set(map(tuple, theirs.tolist()))
    kept: npt.NDArray[np.bool_] = np.array([row not in others for row in map(tuple, ours.tolist())], np.bool_)
    return ours[kept]


def _largest_sum(values: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Begin and end (exclusive) of the stretch with the largest sum above 0; both 0 where there is none (Kadane)."""
    best, best_range, total, begin = 0.0, (0, 0), 0.0, 0
    for i, value in enumerate(values.tolist()):
        if total <= 0:
            total, begin = 0.0, i
        total += value
        if total > best:
            best, best_range = total, (begin, i + 1)
    return best_range
