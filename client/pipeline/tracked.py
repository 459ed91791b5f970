"""A frame and the people followed in it: what the pipeline hands to whoever draws, writes or counts."""

from __future__ import annotations

from dataclasses import dataclass

from mot.detections import Detections, Tracks
from mot.frame import Frame


@dataclass(frozen=True, kw_only=True)
class TrackedFrame:
    """One frame of a video with its tracks."""

    frame: Frame
    tracks: Tracks  # boxes in pixels of frame.image
    detections: Detections  # of which they were made, in the same pixels
