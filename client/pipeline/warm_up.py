"""What is loaded and compiled with the first frame, done before it comes."""

from __future__ import annotations

from concurrent.futures import wait
from threading import Event

import numpy as np

from client.detection.detector import LetterboxDetector
from client.tracking.tracker import Tracker
from mot.frame import Frame

_LOOK_EVERY_S = 0.25


def warm_up(detector: LetterboxDetector, tracker: Tracker, stop: Event | None = None) -> None:
    """Find nobody in a black image, and follow nobody for some frames.

    Args:
        tracker: of no further use.
        stop: gives up while the detector does not answer.

    Raises:
        DetectorError: no answer can be had.
    """
    image = np.zeros(detector.spec.image.shape, np.uint8)
    answer = detector.submit(Frame(index=1, image=image, time=0.0))
    while not wait([answer], _LOOK_EVERY_S).done:
        if stop is not None and stop.is_set():
            answer.cancel()
            return
    for step in range(3):
        tracker.update(answer.result(), time=step / 30, image=image)
