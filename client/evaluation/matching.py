"""Who is matched with which track, frame by frame, as CLEAR does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mot.assignment import best_pairs

THRESHOLD = float(0.5 - np.finfo(float).eps)  # IoU of a match
_KEEP = 1000.0  # more than all IoUs of a frame: keeping last frame's pairs comes first, overlap second

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class MatchedFrame:
    """Of one frame: P people who are scored, T tracks' boxes, M of them matched. Indices count in TrackEval's data."""

    number: int  # of the frame, as in the whole sequence
    persons: Indices  # (P,) which person each label is of
    tracks: Indices  # (T,) which track each box is of
    rows: Indices  # (M,) labels that are matched
    columns: Indices  # (M,) and with which boxes
    switched: Indices  # (S,) labels among these whose person had another track when last matched
    overlap: npt.NDArray[np.float64]  # (P, T) IoU
    labels: npt.NDArray[np.float64]  # (P, 4) left, top, width, height; pixels, original image
    boxes: npt.NDArray[np.float64]  # (T, 4) the same

    @property
    def missed(self) -> Indices:
        """(P - M,) labels without a box."""
        return np.setdiff1d(np.arange(len(self.persons)), self.rows, assume_unique=True)

    @property
    def false(self) -> Indices:
        """(T - M,) boxes without a label."""
        return np.setdiff1d(np.arange(len(self.tracks)), self.columns, assume_unique=True)


def match_frames(data: Any, people: int, first: int) -> Iterator[MatchedFrame]:
    """Match as ``CLEAR.eval_sequence`` of TrackEval 1.3 does.

    The rule (Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics",
    2008): pairs of the frame before are kept where they still overlap by half, then overlap is as large as it can
    be. An identity has changed when a person's track differs from the one they were last matched with, however long
    ago. A frame without labels or without results leaves all as it was. Which of several pairings is taken that are
    exactly equally good is the solver's choice, and TrackEval's is another: switches may then differ from its count.

    Args:
        data: TrackEval's preprocessed data of the sequence.
        people: how many there are.
        first: number of the first frame.
    """
    ever = np.full(people, -1)  # track of each person's last match
    just_before = np.full(people, -1)  # the same, of the frame before only
    names = ("gt_ids", "tracker_ids", "similarity_scores", "gt_dets", "tracker_dets")
    frames = zip(*(data[name] for name in names), strict=True)
    for number, (persons, tracks, overlap, labels, boxes) in enumerate(frames, start=first):
        rows = columns = switched = np.zeros(0, np.int64)
        if len(persons) and len(tracks):
            value = np.where(overlap >= THRESHOLD, overlap + _KEEP * (tracks == just_before[persons][:, None]), 0)
            rows, columns = best_pairs(value).T
            matched, partners = persons[rows], tracks[columns]
            switched = rows[(ever[matched] >= 0) & (ever[matched] != partners)]
            ever[matched] = partners
            just_before[:] = -1
            just_before[matched] = partners
        yield MatchedFrame(
            number=number,
            persons=persons,
            tracks=tracks,
            rows=rows,
            columns=columns,
            switched=switched,
            overlap=overlap,
            labels=labels,
            boxes=boxes,
        )
