"""Which frames a tracker fails in: people missed, false boxes and changes of identity, as CLEAR counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mot.assignment import best_pairs

_THRESHOLD = 0.5 - np.finfo(float).eps  # IoU of a match
_KEEP = 1000.0  # more than all IoUs of a frame: keeping last frame's pairs comes first, overlap second


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


def find_mistakes(data: Any, people: npt.NDArray[np.int64], first: int) -> Mistakes:
    """Match as ``CLEAR.eval_sequence`` of TrackEval 1.3 does, frame by frame, and note what fails.

    The rule (Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics",
    2008): pairs of the frame before are kept where they still overlap by half, then overlap is as large as it can
    be. An identity has changed when a person's track differs from the one they were last matched with, however long
    ago. A frame without labels or without results leaves all as it was.

    Args:
        data: TrackEval's preprocessed data of the sequence.
        people: (P,) ids in the label file.
        first: number of the first frame.
    """
    ever = np.full(len(people), -1)  # track of each person's last match
    just_before = np.full(len(people), -1)  # the same, of the frame before only
    missed: list[tuple[int, int]] = []
    switched: list[tuple[int, int]] = []
    false: list[int] = []
    frames = zip(data["gt_ids"], data["tracker_ids"], data["similarity_scores"], strict=True)
    for number, (persons, tracks, overlap) in enumerate(frames, start=first):
        lonely = np.ones(len(persons), bool)
        if len(persons) and len(tracks):
            value = np.where(overlap >= _THRESHOLD, overlap + _KEEP * (tracks == just_before[persons][:, None]), 0)
            rows, columns = best_pairs(value).T
            lonely[rows] = False
            matched, partners = persons[rows], tracks[columns]
            changed = matched[(ever[matched] >= 0) & (ever[matched] != partners)]
            switched += ((number, person) for person in people[changed].tolist())
            ever[matched] = partners
            just_before[:] = -1
            just_before[matched] = partners
        missed += ((number, person) for person in people[persons[lonely]].tolist())
        false += [number] * (len(tracks) - int((~lonely).sum()))
    return Mistakes(
        first=first,
        last=first + len(data["gt_ids"]) - 1,
        missed=np.array(missed, np.int64).reshape(-1, 2),
        switched=np.array(switched, np.int64).reshape(-1, 2),
        false=np.array(false, np.int64),
    )
