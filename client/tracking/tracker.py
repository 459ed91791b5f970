"""What the pipeline asks of a tracker."""

from __future__ import annotations

from typing import Protocol

from mot.detections import Detections, Tracks
from mot.errors import MotError


class TrackerError(MotError, ValueError):
    """A setting or a detection that no tracker can use; the message names it and its value."""


class Tracker(Protocol):
    """Gives people the same id from frame to frame. All state belongs to the instance: one per video."""

    def update(self, detections: Detections) -> Tracks:
        """Take the next frame's detections, boxes in pixels of the original image.

        Call it once for every frame, with empty detections where nobody is seen: time passes by frames.

        Raises:
            TrackerError: a detection is not a finite box, or its embedding has another width than before.
        """
