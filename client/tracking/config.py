"""Settings that all trackers share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from client.tracking.setting import setting, settings_of
from client.tracking.tracker import Tracker


@dataclass(frozen=True, kw_only=True)
class TrackerConfig(ABC):
    """Settings of a tracker; each has its own, with these among them. Match limits are the largest cost allowed."""

    track_buffer: float = setting(30, "frames that a lost track is remembered, at 30 frames per second", most=np.inf)
    buffer_seconds: float | None = setting(
        None, "seconds that a lost track is remembered, instead of track_buffer", most=np.inf
    )
    coast: float = setting(
        0, "seconds that a lost track is still shown where it is expected, but no longer than it was seen", most=np.inf
    )
    coast_still: float = setting(
        0, "the same as coast for those who stood when they were lost, where that is longer", most=np.inf
    )
    coast_hidden: float = setting(
        0, "the same as coast for those who are expected behind somebody in view, where that is longer", most=np.inf
    )
    min_hits: int = setting(
        2, "detections in a row that make a track, but in the first frame", least=1, most=np.inf, whole=True
    )
    duplicate_thres: float = setting(0.15, "1 - IoU below which a visible and a lost track are the same person")
    visible_double_thres: float = setting(0, "1 - IoU below which two visible tracks are the same person")
    newborn_thres: float = setting(0, "1 - IoU below which a new person is a double of a visible one")
    min_box_area: float = setting(100, "square pixels; smaller boxes are not shown", most=np.inf)
    max_aspect: float = setting(1.6, "width / height; wider boxes are not shown", most=np.inf)

    def __post_init__(self) -> None:
        for one in settings_of(type(self)):
            one.check(getattr(self, one.name))

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

    def memory(self, frame_rate: float) -> float:
        """Frames that a lost track is remembered by a tracker which wants more proof after those of patience."""
        return self.patience(frame_rate)
