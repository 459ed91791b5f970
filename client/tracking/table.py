"""All tracks of one tracker as a table: one array a column, one row a track."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from client.tracking import kalman
from mot.detections import Index
from mot.geometry import xyah_to_xyxy


class State(IntEnum):
    """What a track is at the end of a frame."""

    TENTATIVE = 0  # seen once, not shown yet
    TRACKED = 1  # matched in this frame
    LOST = 2  # not matched, remembered for a while


@dataclass(frozen=True, kw_only=True)
class TrackTable:
    """N tracks; the arrays' elements change in place, rows come and go by making a new table."""

    ids: npt.NDArray[np.int64]  # (N,) from 1; 0 until confirmed
    states: npt.NDArray[np.int8]  # (N,) a State
    motion: npt.NDArray[np.float64]  # (N, 5, 4) Kalman filters, see client.tracking.kalman
    features: npt.NDArray[np.float32]  # (N, D) smoothed embedding, length 1
    scores: npt.NDArray[np.float32]  # (N,) of the last matched detection
    detections: npt.NDArray[np.int64]  # (N,) its row in that frame's detections
    first_frames: npt.NDArray[np.int64]  # (N,) when it was first seen
    last_frames: npt.NDArray[np.int64]  # (N,) when it was last matched

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Index) -> TrackTable:
        """The chosen rows."""
        return TrackTable(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def __add__(self, other: TrackTable) -> TrackTable:
        """The rows of both."""
        return TrackTable(
            **{
                field.name: np.concatenate([getattr(self, field.name), getattr(other, field.name)])
                for field in fields(self)
            }
        )

    @property
    def boxes(self) -> npt.NDArray[np.float64]:
        """(N, 4) xyxy, pixels, original image: where the filters believe the people to be."""
        return xyah_to_xyxy(self.motion[:, 0]).astype(np.float64, copy=False)

    @classmethod
    def start(
        cls,
        boxes: npt.NDArray[np.float64],
        scores: npt.NDArray[np.float32],
        features: npt.NDArray[np.float32],
        detections: npt.NDArray[np.intp],
        *,
        frame: int,
        state: State,
    ) -> TrackTable:
        """New tracks from N detections: (N, 4) xyah, (N,), (N, D), (N,)."""
        count = len(boxes)
        return cls(
            ids=np.zeros(count, np.int64),
            states=np.full(count, state, np.int8),
            motion=kalman.initiate(boxes),
            features=features.copy(),
            scores=scores.copy(),
            detections=detections.astype(np.int64),
            first_frames=np.full(count, frame),
            last_frames=np.full(count, frame),
        )

    @classmethod
    def empty(cls, embedding_dim: int) -> TrackTable:
        return cls.start(
            np.zeros((0, 4)),
            np.zeros(0, np.float32),
            np.zeros((0, embedding_dim), np.float32),
            np.zeros(0, np.intp),
            frame=0,
            state=State.TENTATIVE,
        )
