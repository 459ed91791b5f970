"""Frames from a camera of this machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import cv2
import numpy as np

from client.video.source import Source, VideoError, Window
from mot.frame import Frame


class Camera(Source):
    """A camera of this machine, by its number. Times are those of this machine's clock."""

    live = True
    frame_count = None

    def __init__(self, number: int, window: Window) -> None:
        self._window = window
        self._capture = _open(number)
        if not self._capture.isOpened():
            raise VideoError(f"camera {number}: cannot be opened; check that it is connected, free and permitted")
        self.name = camera_name(number)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.frame_rate = rate if 0 < rate <= 1000 else 30.0  # many drivers answer 0

    def __iter__(self) -> Iterator[Frame]:
        begin: float | None = None
        for index in itertools.count(1):
            if self._window.end is not None and index > self._window.end:
                return
            good, image = self._capture.read()
            if not good:
                raise VideoError(f"{self.name}: no more pictures after {index - 1} frames; was it unplugged?")
            now = time.monotonic()
            begin = now if begin is None else begin
            if index >= self._window.start:
                rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
                yield Frame(index=index, image=rgb, time=now - begin)

    def close(self) -> None:
        self._capture.release()


def camera_name(number: int) -> str:
    return f"camera{number}"


def _open(number: int) -> cv2.VideoCapture:
    """Without OpenCV's own messages: a page of them for a camera that is not there."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(number)
    finally:
        cv2.utils.logging.setLogLevel(level)
