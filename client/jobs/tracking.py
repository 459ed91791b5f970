"""One open source from frames to sinks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from threading import Event

from client.detection.detector import Detector
from client.jobs.record import JobSummary
from client.metrics import FRAMES, IDS, PEOPLE
from client.outputs.background import in_background
from client.outputs.sink import Sink
from client.pipeline.stages import Stages
from client.pipeline.track import track
from client.pipeline.tracked import TrackedFrame
from client.tracking import TrackerConfig, tracker_config
from client.video.source import Source
from mot.errors import MotError


class JobStoppedError(MotError):
    """The job was stopped before its end; what was finished is kept as NAME.partial.*."""


def track_source(
    source: Source,
    detector: Detector,
    sinks: Sequence[Sink],
    *,
    config: TrackerConfig | None = None,
    in_flight: int = 4,
    stop: Event | None = None,
    watch: Callable[[TrackedFrame], None] = lambda _: None,
    complete: Callable[[], None] = lambda: None,
) -> JobSummary:
    """Track people through one source.

    Args:
        source: an open source, which is read to its end, or until ``stop`` is set.
        detector: left open, for the next video.
        sinks: not yet entered; they get every frame, in order, in a thread of their own.
        config: of the tracker (by default the default one's), which works at the source's frame rate.
        in_flight: frames in the detector at a time.
        stop: ends the job between two frames. Of a live source this is the good end.
        watch: called with each frame in this thread, for progress.
        complete: called when all frames are done, before the sinks give their files their names.

    Raises:
        JobStoppedError: ``stop`` was set; file sinks have kept what was finished.
        MotError: the source, the detector or a sink failed; file sinks have kept what was finished until then.
    """
    stages, stop = Stages(), stop or Event()
    tracker = (config or tracker_config()).tracker(source.frame_rate)
    boxes, ids = 0, set[int]()
    begun = time.perf_counter()
    results = track(source, detector, tracker, in_flight=in_flight, stages=stages, stop=stop)
    with in_background(sinks, stages) as write, closing(results):
        for tracked in results:
            write(tracked)
            known = len(ids)
            boxes += len(tracked.tracks)
            ids.update(tracked.tracks.ids.tolist())
            FRAMES.inc()
            PEOPLE.inc(len(tracked.tracks))
            IDS.inc(len(ids) - known)
            watch(tracked)
            if stop.is_set():
                break
        if stop.is_set() and not source.live:
            raise JobStoppedError(f"{source.name}: stopped after {stages.frames} frames")
        complete()
    return JobSummary(
        frames=stages.frames,
        boxes=boxes,
        ids=len(ids),
        seconds=time.perf_counter() - begun,
        milliseconds=stages.milliseconds(),
        frame_rate=source.frame_rate,
    )
