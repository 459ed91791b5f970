"""What the pipeline asks of a detector, and the fake that tests use instead of a server."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mot.contract import ModelSpec
from mot.detections import Detections
from mot.errors import MotError


class DetectorError(MotError):
    """The network could not be run on a frame; the message names the model or server and the cause."""


class Detector(Protocol):
    """Runs the network on letterboxed images, several at a time."""

    @property
    def spec(self) -> ModelSpec:
        """What the model takes and gives."""

    def submit(self, image: npt.NDArray[np.uint8]) -> Future[Detections]:
        """Start on one image: (H, W, 3) RGB, letterboxed to the spec's size.

        The future yields all K rows, boxes in input pixels, best score first; it raises
        :class:`DetectorError` when the model or server fails for good.
        """

    def close(self) -> None:
        """Give back threads and connections; unfinished frames are cancelled."""


class FakeDetector:
    """Answers each image with a function's result, at once and in this thread: for tests."""

    def __init__(self, spec: ModelSpec, answer: Callable[[npt.NDArray[np.uint8]], Detections]) -> None:
        self.spec = spec
        self._answer = answer

    def submit(self, image: npt.NDArray[np.uint8]) -> Future[Detections]:
        future: Future[Detections] = Future()
        try:
            future.set_result(self._answer(image))
        except MotError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        pass
