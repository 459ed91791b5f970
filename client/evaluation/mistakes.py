"""Which frames a tracker fails in: people missed, false boxes and changes of identity, as CLEAR counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.evaluation.matching import MatchedFrame


@dataclass(frozen=True, kw_only=True)
class Mistakes:
    """Of one sequence; frames are numbered as in the whole sequence, people as in the label file."""

    first: int
    last: int
    missed: npt.NDArray[np.int64]  # (M, 2) frame, person
    switched: npt.NDArray[np.int64]  # (S, 2) frame, person who has another track's id than when last matched
    false: npt.NDArray[np.int64]  # (F,) frame of each false box


def per_frame(frames: npt.NDArray[np.int64], first: int, last: int) -> npt.NDArray[np.int64]:
    """(T,) how many of the events in ``frames`` (N,) fall on each frame from first to last."""
    return np.bincount(frames - first, minlength=last - first + 1).astype(np.int64, copy=False)


def find_mistakes(frames: Sequence[MatchedFrame], people: npt.NDArray[np.int64]) -> Mistakes:
    """What fails in the matched frames of a sequence, of which there is at least one.

    Args:
        people: (P,) ids in the label file.
    """
    missed = [(frame.number, person) for frame in frames for person in people[frame.persons[frame.missed]].tolist()]
    switched = [(frame.number, person) for frame in frames for person in people[frame.persons[frame.switched]].tolist()]
    return Mistakes(
        first=frames[0].number,
        last=frames[-1].number,
        missed=np.array(missed, np.int64).reshape(-1, 2),
        switched=np.array(switched, np.int64).reshape(-1, 2),
        false=np.repeat(np.array([frame.number for frame in frames], np.int64), [len(frame.false) for frame in frames]),
    )
