"""A video's way from frames to tracks: detect in several frames at a time, associate in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Event

from client.detection.detector import Detector
from client.pipeline.stages import Stages
from client.pipeline.tracked import TrackedFrame
from client.tracking.tracker import Tracker
from mot.detections import Detections
from mot.errors import MotError
from mot.frame import Frame

_LOOK_EVERY_S = 0.25  # how often who waits for a detector looks whether it shall stop


@dataclass(frozen=True, kw_only=True)
class _Pending:
    """A frame in the detector."""

    frame: Frame
    answer: Future[Detections]


class _StopError(Exception):
    """Nobody wants more frames."""


def track(
    frames: Iterable[Frame],
    detector: Detector,
    tracker: Tracker,
    *,
    in_flight: int = 4,
    stages: Stages | None = None,
    stop: Event | None = None,
) -> Generator[TrackedFrame, None, None]:
    """Give each frame with its tracks, in the order of ``frames``.

    At most ``in_flight`` frames are in the detector, so memory does not grow with the video. When the source
    or the detector fails, every frame before the failure has been yielded; frames still in the detector are
    cancelled, as they are when the generator is closed. It ends early when ``stop`` is set, which is looked at
    between frames and while waiting for the detector.

    Raises:
        DetectorError: the detector failed for good on a frame.
        MotError: the source of frames failed.
        ValueError: ``in_flight`` is below 1.
    """
    if in_flight < 1:
        raise ValueError(f"in_flight must be at least 1, not {in_flight}")
    return _track(frames, detector, tracker, in_flight, stages or Stages(), stop or Event())


def _track(
    frames: Iterable[Frame], detector: Detector, tracker: Tracker, in_flight: int, stages: Stages, stop: Event
) -> Generator[TrackedFrame, None, None]:
    pending: deque[_Pending] = deque()
    source = iter(frames)
    failure: MotError | None = None
    try:
        while not stop.is_set():
            try:
                with stages.measure("decode"):
                    frame = next(source, None)
            except MotError as error:
                failure = error  # first finish the frames that came before it
                break
            if frame is None:
                break
            oldest = pending.popleft() if len(pending) == in_flight else None
            detections = _wait(oldest, stages, stop) if oldest else None
            # Submit before associating, so that the detector never idles for the tracker.
            pending.append(_submit(frame, detector, stages))
            if oldest and detections is not None:
                yield _associate(oldest, detections, tracker, stages)
        while pending:
            oldest = pending.popleft()
            yield _associate(oldest, _wait(oldest, stages, stop), tracker, stages)
        if failure:
            raise failure
    except _StopError:
        return
    finally:
        for waiting in pending:
            waiting.answer.cancel()


def _submit(frame: Frame, detector: Detector, stages: Stages) -> _Pending:
    with stages.measure("letterbox"):
        answer = detector.submit(frame)
    answer.add_done_callback(partial(_add_latency, stages, time.perf_counter()))
    return _Pending(frame=frame, answer=answer)


def _wait(pending: _Pending, stages: Stages, stop: Event) -> Detections:
    with stages.measure("wait"):
        while not stop.is_set():
            try:
                return pending.answer.result(_LOOK_EVERY_S)
            except TimeoutError:
                if pending.answer.done():  # it came in this moment; or the error is its own
                    return pending.answer.result()
        raise _StopError


def _add_latency(stages: Stages, submitted: float, answer: Future[Detections]) -> None:
    if not answer.cancelled():
        stages.add("infer", time.perf_counter() - submitted)


def _associate(pending: _Pending, detections: Detections, tracker: Tracker, stages: Stages) -> TrackedFrame:
    frame = pending.frame
    with stages.measure("associate"):
        image = frame.image if frame.image.size else None
        tracks = tracker.update(detections, time=frame.time, image=image)
    stages.frames += 1
    return TrackedFrame(frame=frame, tracks=tracks, detections=detections)
