"""What the pipeline asks of a tracker."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from mot.detections import Detections, Tracks
from mot.errors import MotError


class TrackerError(MotError, ValueError):
    """A setting or a detection that no tracker can use; the message names it and its value."""


class Tracker(Protocol):
    """Gives people the same id from frame to frame. All state belongs to the instance: one per video."""

    def update(
        self, detections: Detections, *, time: float | None = None, image: npt.NDArray[np.uint8] | None = None
    ) -> Tracks:
        """Take the next frame's detections, boxes in pixels of the original image.

        Call it once for every frame, with empty detections where nobody is seen.

        Args:
            detections: of this frame, in any order.
            time: seconds since any fixed moment, for videos whose rate varies or that lose frames; without it,
                one frame at the nominal rate has passed.
            image: (H, W, 3) RGB, for trackers that measure the camera's motion; others ignore it.

        Raises:
            TrackerError: a detection is not a finite box, its embedding has another width than before, or
                ``time`` runs back. The tracker is then as before the call.
        """
