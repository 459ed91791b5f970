"""The main job: one video in, its tracks out."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from client.detection.detector import Detector
from client.detection.given import GivenDetections, associate
from client.outputs.background import in_background
from client.outputs.embeddings import LooksSink, looks_path
from client.outputs.render import Renderer
from client.outputs.sink import FileSink, Sink, SinkError
from client.outputs.text import MotTextSink
from client.outputs.video import VideoSink
from client.pipeline.stages import Stages
from client.pipeline.track import track
from client.pipeline.tracked import TrackedFrame
from client.tracking import TrackerConfig, tracker_config
from client.video.source import Source


@dataclass(frozen=True, kw_only=True)
class JobSummary:
    """What became of one video."""

    frames: int
    boxes: int  # people in all frames together
    ids: int  # different people, as far as the tracker could tell
    seconds: float  # wall clock, from the first frame's decoding to the last output's completion
    milliseconds: Mapping[str, float]  # mean of a frame by stage, see client.pipeline.track.Stages

    @property
    def frames_per_second(self) -> float:
        return self.frames / self.seconds


def track_video(
    source: Source,
    detector: Detector,
    sinks: Sequence[Sink],
    *,
    config: TrackerConfig | None = None,
    in_flight: int = 4,
    watch: Callable[[TrackedFrame], None] = lambda _: None,
) -> JobSummary:
    """Track people through one source.

    Args:
        source: an open source, which is read to its end; Ctrl-C is the good end of a live one.
        detector: left open, for the next video.
        sinks: not yet entered; they get every frame, in order, in a thread of their own.
        config: of the tracker (by default the default one's), which works at the source's frame rate.
        in_flight: frames in the detector at a time.
        watch: called with each frame in this thread, for progress.

    Raises:
        MotError: the source, the detector or a sink failed; file sinks have kept what was finished until then.
    """
    tracker, stages = (config or tracker_config()).tracker(source.frame_rate), Stages()
    results = track(source, detector, tracker, in_flight=in_flight, stages=stages)
    return _collect(results, sinks, stages, live=source.live, watch=watch)


def associate_video(
    source: Source,
    given: GivenDetections,
    sinks: Sequence[Sink],
    *,
    config: TrackerConfig | None = None,
    watch: Callable[[TrackedFrame], None] = lambda _: None,
) -> JobSummary:
    """As :func:`track_video`, but people are where a file says, and no network runs.

    Raises:
        MotError: the source or a sink failed; file sinks have kept what was finished until then.
    """
    tracker, stages = (config or tracker_config()).tracker(source.frame_rate), Stages()
    return _collect(associate(source, given, tracker, stages), sinks, stages, live=source.live, watch=watch)


def _collect(
    results: Generator[TrackedFrame, None, None],
    sinks: Sequence[Sink],
    stages: Stages,
    *,
    live: bool,
    watch: Callable[[TrackedFrame], None],
) -> JobSummary:
    """Hand each frame to the sinks and to ``watch``, and count."""
    boxes, ids = 0, set[int]()
    begun = time.perf_counter()
    with in_background(sinks, stages) as write, closing(results):
        try:
            for tracked in results:
                write(tracked)
                boxes += len(tracked.tracks)
                ids.update(tracked.tracks.ids.tolist())
                watch(tracked)
        except KeyboardInterrupt:
            if not live:
                raise
    return JobSummary(
        frames=stages.frames,
        boxes=boxes,
        ids=len(ids),
        seconds=time.perf_counter() - begun,
        milliseconds=stages.milliseconds(),
    )


def result_files(
    stem: Path, *, input: str, frame_rate: float, video: bool = True, embeddings: bool = False
) -> list[FileSink]:
    """The sinks of the usual results: ``STEM.txt``, and ``STEM.mp4`` with the tracks drawn into the video.

    With ``embeddings`` also ``STEM.embeddings.npz``, what each person looks like, for `mot refine`.

    Raises:
        SinkError: one of them is the very file that is read.
    """
    text = stem.with_name(f"{stem.name}.txt")
    sinks: list[FileSink] = [MotTextSink(text)]
    if embeddings:
        sinks.append(LooksSink(looks_path(text)))
    if video:
        path = stem.with_name(f"{stem.name}.mp4")
        sinks.append(VideoSink(path, frame_rate=frame_rate, renderer=Renderer()))
    for sink in sinks:
        if sink.path.exists() and Path(input).exists() and sink.path.samefile(input):
            raise SinkError(f"{sink.path}: the result would replace its own input; choose another output folder")
    return sinks
