"""Who finds people in a frame: the protocol, networks behind a letterbox, and a fake for tests."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mot.contract import ModelSpec
from mot.detections import Detections
from mot.errors import MotError
from mot.frame import Frame
from mot.geometry import Letterbox

log = logging.getLogger(__name__)


class Detector(Protocol):
    """Finds people in frames, several at a time; several videos may share one."""

    def submit(self, frame: Frame) -> Future[Detections]:
        """Start on one frame.

        The future yields boxes in pixels of ``frame.image``, best score first; it raises :class:`DetectorError`
        when they cannot be had for good.
        """

    def close(self) -> None:
        """Give back threads and connections; unfinished frames are cancelled."""


class LetterboxDetector(ABC):
    """A network that takes images of one size: frames are letterboxed for it, and its boxes taken back.

    Letterboxing is done by the thread that submits, the rest in ``workers`` threads.
    """

    def __init__(self, spec: ModelSpec, *, workers: int, name: str) -> None:
        """``workers``: images in :meth:`infer` at the same time; ``name``: of their threads."""
        self.spec = spec
        self._warned = False
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix=name)

    @abstractmethod
    def infer(self, image: npt.NDArray[np.uint8]) -> Detections:
        """Run the network on one image, (H, W, 3) RGB of the spec's size, and wait for it.

        Returns:
            All K rows, boxes in pixels of the input, best score first.

        Raises:
            DetectorError: the model or server failed for good.
        """

    def submit(self, frame: Frame) -> Future[Detections]:
        """See :meth:`Detector.submit`."""
        height, width = frame.image.shape[:2]
        letterbox = _letterbox(width, height, self.spec.width, self.spec.height)
        return self._workers.submit(self._answer, letterbox.apply(frame.image), letterbox)

    @property
    def identity(self) -> dict[str, str]:
        """What tells this model from another, as far as the network knows."""
        return self.spec.to_metadata()

    def confirm(self) -> None:
        """Make sure that the network is still the one that ``spec`` describes.

        Raises:
            DetectorError: it is another one, or cannot be asked.
        """
        return  # what is in this process stays what it is

    def close(self) -> None:
        """Cancel what has not begun and wait for what has."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _answer(self, image: npt.NDArray[np.uint8], letterbox: Letterbox) -> Detections:
        found = self._usable(self.infer(image))
        return replace(found, boxes=letterbox.inverse(found.boxes).astype(np.float32, copy=False))

    def _usable(self, found: Detections) -> Detections:
        """Without the rows in which a number is none, or a box is inside out: trackers take them for their caller's."""
        parts = (found.boxes, found.scores[:, None], found.embeddings)
        usable = np.logical_and.reduce([np.isfinite(part).all(axis=1) for part in parts if part is not None])
        usable &= (found.boxes[:, :2] <= found.boxes[:, 2:]).all(axis=1)
        if usable.all():
            return found
        if not self._warned:
            self._warned = True
            log.warning(
                "%s: %d of %d rows of an answer are no boxes of finite numbers and are left out, here and from now on; "
                "does the model run in half precision, which overflows?",
                *(self.spec.architecture, len(usable) - usable.sum(), len(usable)),
            )
        return found[usable]


@lru_cache(maxsize=64)
def _letterbox(source_width: int, source_height: int, width: int, height: int) -> Letterbox:
    return Letterbox(source_width=source_width, source_height=source_height, width=width, height=height)


class FakeDetector:
    """Answers each frame with a function's result, at once and in this thread: for tests."""

    def __init__(self, answer: Callable[[Frame], Detections]) -> None:
        self._answer = answer

    def submit(self, frame: Frame) -> Future[Detections]:
        future: Future[Detections] = Future()
        try:
            future.set_result(self._answer(frame))
        except MotError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        pass
