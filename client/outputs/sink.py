"""What takes the tracked frames of a video, and files that appear whole or not at all."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import av

from client.pipeline.tracked import TrackedFrame
from mot.errors import MotError
from mot.files import NO_ROOM, hidden_beside

log = logging.getLogger(__name__)


class SinkError(MotError):
    """A result cannot be written; the message names the file, the cause and the remedy."""


class Sink(Protocol):
    """Takes the frames of one video in order, inside a ``with`` block."""

    def write(self, tracked: TrackedFrame) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class FileSink(ABC):
    """A file that gets its name when the ``with`` block ends well, and replaces an earlier result only then.

    When the block is left by an exception (Ctrl-C too), the frames finished are kept beside it as
    ``NAME.partial.SUFFIX``, if there are any. When the file itself cannot be written, nothing of it is kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.stem}.partial{path.suffix}")
        self._temporary = path  # until it is opened
        self._frames = 0
        self._broken = False

    @abstractmethod
    def _open(self, path: Path) -> None:
        """Begin to write to ``path``."""

    @abstractmethod
    def _write(self, tracked: TrackedFrame) -> None:
        """Add one frame."""

    @abstractmethod
    def _finish(self) -> bool:
        """Complete and close the file; True where there is one to keep."""

    @abstractmethod
    def _abandon(self) -> None:
        """Close the file, which will be removed; must not raise."""

    def __enter__(self) -> Self:
        try:
            self._temporary = hidden_beside(self.path)
            self._open(self._temporary)
        except (OSError, av.FFmpegError) as error:
            raise self._explain(error) from error
        return self

    def write(self, tracked: TrackedFrame) -> None:
        """Add one frame; after one that could not be written nothing more is: FFmpeg would crash at it.

        Raises:
            SinkError: the disk is full, or the frame cannot be written.
        """
        if self._broken:
            return
        try:
            self._write(tracked)
            self._frames += 1
        except (OSError, av.FFmpegError) as error:
            self._broken = True
            raise self._explain(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._broken:
                return
            complete = kind is None
            if self._finish() and (complete or self._frames):
                self._temporary.replace(self.path if complete else self.partial)
                if not complete:
                    log.warning("%s: kept the %d frames that were finished", self.partial, self._frames)
            if complete:
                self.partial.unlink(missing_ok=True)  # of an earlier run
        except (OSError, av.FFmpegError) as failure:
            explained = self._explain(failure)
            if kind is None:
                raise explained from failure
            log.warning("nothing could be kept: %s", explained)  # the first error is the one to show
        finally:
            # Also after a second Ctrl-C, which may come at any point above.
            self._abandon()
            self._temporary.unlink(missing_ok=True)

    def _explain(self, error: OSError | av.FFmpegError) -> SinkError:
        if error.errno in NO_ROOM:
            return SinkError(f"{self.path}: no space left on device; free some or choose another output folder")
        return SinkError(f"{self.path}: cannot be written: {error.strerror}; check the output folder")
