"""What a source of frames is, which of its frames are wanted, and the error of bad input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from client.video.sound import Sound
from mot.errors import MotError
from mot.frame import Frame


class VideoError(MotError):
    """A video, folder, camera or stream cannot be read; the message names it, the cause and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The frames wanted of a source: ``start`` to ``end``, both included, from 1; ``end`` None is the last one."""

    start: int = 1
    end: int | None = None

    def __post_init__(self) -> None:
        if self.start < 1:
            raise VideoError(f"start {self.start} is not a frame number; frames are counted from 1")
        if self.end is not None and self.end < self.start:
            raise VideoError(f"end {self.end} is before start {self.start}")

    def count(self, frames: int) -> int:
        """How many of a source's ``frames`` are wanted."""
        last = frames if self.end is None else min(frames, self.end)
        return max(0, last - self.start + 1)

    def check(self, source: str, frames: int) -> None:
        """Raise :class:`VideoError` where a source of ``frames`` frames ends before the first one wanted."""
        if frames == 0:
            raise VideoError(f"{source}: there is no frame in it")
        if frames < self.start:
            raise VideoError(f"{source}: start {self.start} is beyond the end; it has {frames} frames")


class Source(Protocol):
    """Frames in order, read once. Memory does not grow with their number.

    Iteration raises :class:`VideoError` where no frame can be read.
    """

    name: str  # stem for the names of output files
    frame_rate: float  # frames per second, nominal: by the usual interval, whatever pauses there are
    frame_count: int | None  # frames to come, for progress only: containers err; None where unknown
    live: bool  # the frames appear in real time and have no known end
    sound: Sound | None = None  # that belongs to the frames; None where there is none

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Give back files, devices and connections; not while another thread iterates."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
