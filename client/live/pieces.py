"""Rows and video of a camera in pieces: a file an hour, each whole."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from client.jobs.record import Record
from client.live.cameras import Recording
from client.live.event import compact
from client.live.newest import ArrivedFrame
from client.outputs.render import RenderConfig, Renderer
from client.outputs.sink import FileSink, SinkError
from client.outputs.text import MotTextSink
from client.outputs.video import VideoSink
from client.pipeline.tracked import TrackedFrame

_PAUSE = 60.0  # seconds before files are tried again that could not be written

log = logging.getLogger(__name__)


class Pieces:
    """A sink of :class:`ArrivedFrame`, which begins new files at each multiple of ``recording.every`` in UTC.

    Files are called by the second of their first frame; within each, frames count from 1, with gaps where frames were
    left out. Where files cannot be written, that is told and tried again a minute later: tracking goes on.
    """

    def __init__(
        self,
        folder: Path,
        recording: Recording,
        settings: dict[str, Any],
        *,
        frame_rate: float,
        at_fault: Callable[[str], None],
        pause: float = _PAUSE,
    ) -> None:
        """
        Args:
            settings: how the rows are made, for the record beside them.
            at_fault: is told why files could not be written.
        """
        self._folder, self._recording, self._settings, self._frame_rate = folder, recording, settings, frame_rate
        self._at_fault, self._pause = at_fault, pause
        self._sinks: list[FileSink] = []
        self._name, self._hour, self._first, self._frames = "", math.nan, 0, 0
        self._blocked_until = 0.0  # by time.monotonic

    def __enter__(self) -> Self:
        return self

    def write(self, tracked: TrackedFrame) -> None:
        frame = tracked.frame
        assert isinstance(frame, ArrivedFrame), "only those say when they came"
        hour = frame.wall // self._recording.every
        try:
            if self._sinks and hour != self._hour:
                self._end()
            if not self._sinks and time.monotonic() >= self._blocked_until:
                self._begin(frame, hour)
            if self._sinks:
                numbered = replace(tracked, frame=replace(frame, index=frame.index - self._first + 1))
                for sink in self._sinks:
                    sink.write(numbered)
                self._frames += 1
        except SinkError as error:
            self._give_up(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What has failed elsewhere takes nothing from the frames that are here.
        try:
            self._end()
        except SinkError as failure:
            self._give_up(failure)

    def _begin(self, frame: ArrivedFrame, hour: float) -> None:
        self._hour, self._first, self._frames = hour, frame.index, 0
        self._name = self._free_name(compact(frame.wall))
        recording = self._recording
        wanted: list[FileSink] = [MotTextSink(self._folder / f"{self._name}.txt")] if recording.rows else []
        if recording.video:
            renderer = Renderer(RenderConfig(anonymise=recording.anonymise))
            path = self._folder / f"{self._name}.mp4"
            wanted.append(VideoSink(path, frame_rate=self._frame_rate, renderer=renderer))
        for sink in wanted:
            self._sinks.append(sink.__enter__())

    def _free_name(self, name: str) -> str:
        """A clock that was set back, or a restart in the same second, replaces nothing."""
        number, free = 1, name
        while any((self._folder / f"{free}{suffix}").exists() for suffix in (".txt", ".mp4")):
            number += 1
            free = f"{name}-{number}"
        return free

    def _end(self) -> None:
        """Give the files their names.

        Raises:
            SinkError: one of them could not be completed; the others are.
        """
        failure: SinkError | None = None
        had = bool(self._sinks)
        while self._sinks:
            try:
                self._sinks.pop().__exit__(None, None, None)
            except SinkError as error:
                failure = error
        if failure:
            raise failure
        if had and self._recording.rows:
            record = Record(settings=self._settings, state="done", frames=self._frames)
            try:
                record.write(self._folder, self._name)
            except OSError as error:
                path = self._folder / f"{self._name}.json"
                raise SinkError(f"{path}: cannot be written: {error.strerror}; check the output folder") from error

    def _give_up(self, error: SinkError) -> None:
        """Keep what can be kept of the files, and leave it be for a while."""
        while self._sinks:
            self._sinks.pop().__exit__(type(error), error, error.__traceback__)
        self._blocked_until = time.monotonic() + self._pause
        log.error("%s; tried again in %.0f s", error, self._pause)
        self._at_fault(str(error))
