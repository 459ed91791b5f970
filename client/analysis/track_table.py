"""The table of tracks: who was there from when to when, how far they went, and how sure the network was."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from client.analysis.footsteps import Floats, Ints
from client.analysis.trajectories import trajectories
from mot.detections import Index
from mot.sequence import MotRows


@dataclass(frozen=True, kw_only=True)
class TrackTable:
    """One row a person, by ascending id; T of them. Frames are from 1, seconds from the beginning of frame 1."""

    ids: Ints  # (T,)
    first: Ints  # (T,) first and last frame
    last: Ints
    begin: Floats  # (T,) seconds
    duration: Floats  # (T,) seconds, to the end of the last frame
    boxes: Ints  # (T,) frames in which the person has a box
    path: Floats  # (T,) pixels that the foot point went, trembling left out
    path_heights: Floats  # (T,) the same in mean heights of the person
    score: Floats  # (T,) mean

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Index) -> TrackTable:
        """The chosen rows."""
        return TrackTable(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def records(self) -> list[dict[str, Any]]:
        """A mapping a row, in plain numbers rounded to what they can mean."""
        return [
            {
                "id": id,
                "first_frame": first,
                "last_frame": last,
                "begin_s": round(begin, 3),
                "duration_s": round(duration, 3),
                "boxes": boxes,
                "path_px": round(path, 1),
                "path_heights": round(heights, 2),
                "mean_score": round(score, 4),
            }
            for id, first, last, begin, duration, boxes, path, heights, score in zip(
                *(getattr(self, field.name).tolist() for field in fields(self)), strict=True
            )
        ]


def track_table(rows: MotRows, frame_rate: float) -> TrackTable:
    """The table of a result's tracks; ``frame_rate`` in frames per second."""
    order = np.lexsort((rows.frames, rows.ids))
    frames = rows.frames[order]
    ids, begins, counts = np.unique(rows.ids[order], return_index=True, return_counts=True)
    first, last = frames[begins], frames[begins + counts - 1]
    ways = list(trajectories(rows))
    path = np.array([way.length for way in ways], np.float64)
    scores = np.bincount(np.repeat(np.arange(len(ids)), counts), rows.scores[order], minlength=len(ids))
    return TrackTable(
        ids=ids,
        first=first,
        last=last,
        begin=(first - 1) / frame_rate,
        duration=(last - first + 1) / frame_rate,
        boxes=counts.astype(np.int64),
        path=path,
        path_heights=path / np.array([way.height for way in ways], np.float64),
        score=scores / np.maximum(counts, 1),
    )
