"""The main job: one video in, its tracks out, and a record of how they were made."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from client.detection.detector import Detector
from client.detection.errors import ModelChangedError
from client.detection.given import GivenDetections
from client.detection.transport import UnavailableError
from client.jobs.fingerprint import Settings, differences, settings_of
from client.jobs.found import Found
from client.jobs.opening import check_extent, check_people, open_input
from client.jobs.record import JobSummary, Record, State, record_path
from client.jobs.resolving import resolved
from client.jobs.spec import JobError, JobSpec
from client.jobs.tracking import JobStoppedError, track_source
from client.log_lines import about
from client.metrics import JOBS, RUNNING
from client.outputs.embeddings import EmbeddingsSink, embeddings_path
from client.outputs.render import RenderConfig, Renderer
from client.outputs.sink import FileSink, SinkError
from client.outputs.text import MotTextSink
from client.outputs.video import VideoSink
from client.pipeline.tracked import TrackedFrame
from client.serving.network import Network
from client.video.sound import Sound
from client.video.source import Source

_RECORD_EVERY_S = 5.0
_SURE = 0.5  # score at which a model that does not say otherwise has found somebody


class Watch:
    """Told of a job's progress, in the job's thread; does nothing unless a subclass does."""

    def opened(self, source: Source) -> None:
        """The input has proved to be readable."""

    def frame(self, tracked: TrackedFrame) -> None:
        """One more frame is done."""


def run(
    job: JobSpec,
    network: Network | None,
    *,
    settings: Mapping[str, Any] | None = None,
    stop: Event | None = None,
    watch: Watch | None = None,
) -> JobSummary:
    """Track one video and write its results; each appears whole or not at all, the record last.

    Args:
        network: None where the job has given detections; left open, for the next job.
        settings: what the rows depend on, for the record; by default found out here.
        stop: set it to end the job, from any thread; it is looked at between frames. Of a live source this is the
            good end.

    Raises:
        JobStoppedError: the job was stopped; finished frames are kept.
        MotError: the source, the detector or a sink failed; finished frames are kept, and the record says why.
    """
    job = resolved(job, partial(_given, network))
    if settings is None:
        settings = settings_of(job, partial(_given, network))
    elif not job.detections and job.network.runs_elsewhere:
        _check_model(_given(network), settings)
    with about(job=job.name) as lines, RUNNING.track_inprogress():
        return _recorded(job, network, stop or Event(), _Progress(job, dict(settings), watch or Watch(), lines))


def _recorded(job: JobSpec, network: Network | None, stop: Event, progress: _Progress) -> JobSummary:
    try:
        progress.write(Record(settings=progress.settings, state="running"))
        summary = _run(job, network, stop, progress)
        progress.write(Record(settings=progress.settings, state="done", frames=summary.frames, summary=summary))
    except BaseException as error:
        progress.end(error)
        raise
    JOBS.labels("done").inc()
    return summary


def _given(network: Network | None) -> Network:
    assert network, "a job without given detections needs a network"
    return network


def _check_model(network: Network, settings: Settings) -> None:
    """Raise :class:`ModelChangedError` where the server has got another model since the settings were found out.

    A server that a batch started for itself serves a file, whose digest the settings have.
    """
    if "sha256" in settings["model"]:
        return
    if changes := differences(settings["model"], network.detector.identity):
        raise ModelChangedError(
            f"the server has another model than when its jobs were gathered ({'; '.join(changes)}); "
            "run the command again"
        )


def _complete(progress: _Progress, network: Network | None) -> None:
    """All frames are done: make sure that they are one model's, as far as the server can still be asked."""
    if network:
        with suppress(UnavailableError):
            network.detector.confirm()
    progress.forget_old()


def _run(job: JobSpec, network: Network | None, stop: Event, progress: _Progress) -> JobSummary:
    given = GivenDetections(job.detections) if job.detections else None
    config = job.tracker.config()
    least: float = getattr(config, "conf_thres", 0.0)
    if given:
        check_people(given, config)
        detector: Detector = given
    else:
        detector = _given(network).detector
        progress.found = Found(_given(network).detector.spec.conf_thres or _SURE)
    with open_input(job, given) as source:
        progress.watch.opened(source)
        sinks = result_sinks(job, source.frame_rate, source.sound)
        summary = track_source(
            source,
            detector,
            sinks,
            config=config,
            in_flight=network.in_flight if network and not given else 1,
            stop=stop,
            watch=progress.frame,
            complete=partial(_complete, progress, None if given else network),
        )
    if progress.found:
        progress.found.warn(job.name, job.tracker.name, least)
    if given and not source.live:
        check_extent(given, job, summary.frames)
    return summary


class _Progress:
    """A job's record while it runs."""

    def __init__(self, job: JobSpec, settings: dict[str, Any], watch: Watch, lines: dict[str, Any]) -> None:
        """``lines``: the fields of this job's log lines."""
        self._job, self.settings, self.watch, self._lines = job, settings, watch, lines
        self.frames = 0
        self._ending = False  # results get their names
        self.found: Found | None = None  # where a network finds people
        self._next = time.monotonic() + _RECORD_EVERY_S

    def frame(self, tracked: TrackedFrame) -> None:
        self.frames += 1
        self._lines["frame"] = tracked.frame.index
        if self.found:
            self.found.add(tracked)
        self.watch.frame(tracked)
        if time.monotonic() > self._next:
            self.write(Record(settings=self.settings, state="running", frames=self.frames))
            self._next = time.monotonic() + _RECORD_EVERY_S

    def forget_old(self) -> None:
        """Remove the record of results of other settings, and those of them that nothing will replace.

        Results of the same settings stay what they are.
        """
        job, self._ending = self._job, True
        try:
            old = Record.read(job.output, job.name)
        except JobError:
            old = None
        if old and old.settings == self.settings:
            return
        stale = [record_path(job.output, job.name)]
        stale += [] if job.video else [job.video_path]
        stale += [] if job.embeddings else [embeddings_path(path) for path in job.texts]
        for path in stale:
            path.unlink(missing_ok=True)

    def write(self, record: Record) -> None:
        try:
            record.write(self._job.output, self._job.name)
        except OSError as error:
            path = record_path(self._job.output, self._job.name)
            raise JobError(f"{path}: cannot be written: {error.strerror}; check the output folder") from error

    def end(self, error: BaseException) -> None:
        """Note why it is not done, where that is possible: the error to be shown is the first one.

        Not where results have got their names already: that they are its own, the next run sees by the record there is.
        """
        stopped = isinstance(error, (JobStoppedError, KeyboardInterrupt))
        reason = "" if stopped else str(error) or type(error).__name__
        state: State = "stopped" if stopped else "failed"
        JOBS.labels(state).inc()
        if self._ending and any(path.exists() for path in result_paths(self._job)):
            return
        with suppress(JobError):
            self.write(Record(settings=self.settings, state=state, frames=self.frames, error=reason))


def result_paths(job: JobSpec) -> list[Path]:
    """The files that the job shall give, without its record: rows, embeddings, video."""
    paths = list(job.texts)
    if job.embeddings:
        paths += [embeddings_path(path) for path in job.texts]
    return [*paths, job.video_path] if job.video else paths


def check_results(job: JobSpec) -> None:
    """Raise :class:`SinkError` where a result is the very file that is read."""
    for path in result_paths(job):
        if path.exists() and Path(job.input).exists() and path.samefile(job.input):
            raise SinkError(f"{path}: the result would replace its own input; choose another output folder")


def result_sinks(job: JobSpec, frame_rate: float, sound: Sound | None = None) -> list[FileSink]:
    """A sink for each of :func:`result_paths`; the video with the source's sound, if the job wants it.

    Raises:
        SinkError: one of them is the very file that is read.
    """
    check_results(job)
    sinks: list[FileSink] = [MotTextSink(path) for path in job.texts]
    if job.embeddings:
        sinks += [EmbeddingsSink(embeddings_path(path)) for path in job.texts]
    if job.video:
        heard = sound if job.audio else None
        look = RenderConfig(labels=job.labels, caption=job.caption, trail=job.trail, anonymise=job.anonymise)
        sinks.append(VideoSink(job.video_path, frame_rate=frame_rate, renderer=Renderer(look), sound=heard))
    return sinks
