"""A video's way from frames to tracks: letterbox, detect several frames at a time, associate in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from client.detection.detector import Detector
from client.pipeline.stages import Stages
from client.pipeline.tracked import TrackedFrame
from client.tracking.tracker import Tracker
from mot.detections import Detections
from mot.errors import MotError
from mot.frame import Frame
from mot.geometry import Letterbox


@dataclass(frozen=True, kw_only=True)
class _Pending:
    """A frame in the detector."""

    frame: Frame
    letterbox: Letterbox
    answer: Future[Detections]


def track(
    frames: Iterable[Frame],
    detector: Detector,
    tracker: Tracker,
    *,
    in_flight: int = 4,
    stages: Stages | None = None,
) -> Generator[TrackedFrame, None, None]:
    """Give each frame with its tracks, in the order of ``frames``.

    At most ``in_flight`` frames are in the detector, so memory does not grow with the video. When the source
    or the detector fails, every frame before the failure has been yielded; frames still in the detector are
    cancelled, as they are when the generator is closed.

    Raises:
        DetectorError: the detector failed for good on a frame.
        MotError: the source of frames failed.
        ValueError: ``in_flight`` is below 1.
    """
    if in_flight < 1:
        raise ValueError(f"in_flight must be at least 1, not {in_flight}")
    return _track(frames, detector, tracker, in_flight, stages or Stages())


def _track(
    frames: Iterable[Frame], detector: Detector, tracker: Tracker, in_flight: int, stages: Stages
) -> Generator[TrackedFrame, None, None]:
    pending: deque[_Pending] = deque()
    source = iter(frames)
    failure: MotError | None = None
    letterbox: Letterbox | None = None
    try:
        while True:
            try:
                with stages.measure("decode"):
                    frame = next(source, None)
            except MotError as error:
                failure = error  # first finish the frames that came before it
                break
            if frame is None:
                break
            with stages.measure("letterbox"):
                letterbox = _fitting(letterbox, frame, detector)
                image = letterbox.apply(frame.image)
            oldest = pending.popleft() if len(pending) == in_flight else None
            detections = _wait(oldest, stages) if oldest else None
            # Submit before associating, so that the detector never idles for the tracker.
            submitted = time.perf_counter()
            answer = detector.submit(image)
            answer.add_done_callback(partial(_add_latency, stages, submitted))
            pending.append(_Pending(frame=frame, letterbox=letterbox, answer=answer))
            if oldest and detections is not None:
                yield _associate(oldest, detections, tracker, stages)
        while pending:
            oldest = pending.popleft()
            yield _associate(oldest, _wait(oldest, stages), tracker, stages)
        if failure:
            raise failure
    finally:
        for waiting in pending:
            waiting.answer.cancel()


def _fitting(last: Letterbox | None, frame: Frame, detector: Detector) -> Letterbox:
    """The letterbox for a frame: the last one, unless the source has changed its size."""
    height, width = frame.image.shape[:2]
    if last and (last.source_width, last.source_height) == (width, height):
        return last
    spec = detector.spec
    return Letterbox(source_width=width, source_height=height, width=spec.width, height=spec.height)


def _wait(pending: _Pending, stages: Stages) -> Detections:
    with stages.measure("wait"):
        return pending.answer.result()


def _add_latency(stages: Stages, submitted: float, answer: Future[Detections]) -> None:
    if not answer.cancelled():
        stages.add("infer", time.perf_counter() - submitted)


def _associate(pending: _Pending, found: Detections, tracker: Tracker, stages: Stages) -> TrackedFrame:
    with stages.measure("associate"):
        boxes = pending.letterbox.inverse(found.boxes).astype("float32", copy=False)
        frame, detections = pending.frame, replace(found, boxes=boxes)
        tracks = tracker.update(detections, time=frame.time, image=frame.image)
    stages.frames += 1
    return TrackedFrame(frame=frame, tracks=tracks, detections=detections)
