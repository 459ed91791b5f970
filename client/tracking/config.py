"""Settings that all trackers share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from client.tracking.tracker import Tracker, TrackerError


@dataclass(frozen=True, kw_only=True)
class TrackerConfig(ABC):
    """Settings of a tracker; each has its own, with these among them. Match limits are the largest cost allowed."""

    track_buffer: float = 30  # frames that a lost track is remembered, at 30 frames per second
    buffer_seconds: float | None = None  # the same as a time, instead
    coast: float = 0  # frames, at the video's rate, that a lost track is still shown where it is expected
    coast_still: float = 0  # the same for those who stood when they were lost, where that is longer
    min_hits: int = 2  # detections in a row that make a track, but in the first frame
    duplicate_thres: float = 0.15  # 1 - IoU below which a visible and a lost track are the same person
    min_box_area: float = 100  # square pixels; smaller boxes are not shown
    max_aspect: float = 1.6  # width / height; wider boxes are not shown

    # Settings that may exceed 1, and of these the ones that must be whole and at least 1.
    _UNBOUNDED: ClassVar[frozenset[str]] = frozenset(
        {
            *("track_buffer", "buffer_seconds", "coast", "coast_still", "camera_memory"),
            *("min_hits", "min_box_area", "max_aspect", "gate", "iou_margin"),
        }
    )
    _COUNTS: ClassVar[frozenset[str]] = frozenset({"min_hits", "delta_t"})

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or isinstance(value, (bool, str)):
                continue
            if field.name in self._COUNTS:
                good, allowed = value == int(value) >= 1, "a whole number from 1"
            elif field.name in self._UNBOUNDED:
                good, allowed = 0 <= value < np.inf, "at least 0"
            else:
                good, allowed = 0 <= value <= 1, "between 0 and 1"
            if not good:
                raise TrackerError(f"{field.name} is {value}, but must be {allowed}")

    @abstractmethod
    def tracker(self, frame_rate: float = 30) -> Tracker:
        """A new tracker with these settings for one video of ``frame_rate`` frames per second, nominally.

        Raises:
            TrackerError: the frame rate is not a positive number.
        """

    @property
    def needs_images(self) -> bool:
        """Whether the tracker looks at the pictures, too."""
        return False

    def patience(self, frame_rate: float) -> float:
        """Frames that a lost track is remembered: the buffer is a time."""
        if self.buffer_seconds is not None:
            return self.buffer_seconds * frame_rate
        return round(self.track_buffer * frame_rate / 30)
