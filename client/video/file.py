"""Frames from a video file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from client.video.decode import announced_frames, decode, frame_rate, numbered, video_stream
from client.video.source import Source, VideoError, Window
from mot.frame import Frame

log = logging.getLogger(__name__)


class VideoFile(Source):
    """A video file. One that is cut off or damaged gives every frame that can be decoded, and a warning."""

    live = False

    def __init__(self, path: Path, window: Window) -> None:
        self._path = path
        self._window = window
        self._container = _open(path)
        try:
            self._stream = video_stream(self._container, str(path))
        except VideoError:
            self._container.close()
            raise
        self._decoded = 0
        announced = announced_frames(self._container, self._stream)
        self.name = path.stem
        self.frame_rate = frame_rate(self._stream)
        self.frame_count = None if announced is None else window.count(announced)

    def __iter__(self) -> Iterator[Frame]:
        yield from numbered(self._pictures(), self._window)
        if self._decoded == 0:
            raise VideoError(f"{self._path}: no frame can be decoded; the video is empty or damaged")
        self._window.check(str(self._path), self._decoded)

    def close(self) -> None:
        self._container.close()

    def _pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """The pictures up to the end or to where the file cannot be read on; warns of what is missing."""
        cause = ""
        try:
            for picture in decode(self._container, self._stream, str(self._path)):
                self._decoded += 1
                yield picture
        except av.FFmpegError as error:
            cause = f" ({error.strerror})"
        if cause or self._decoded < self._stream.frames:
            log.warning(
                "%s: %d frames could be read of the %d that its header announces%s; is the file cut off or damaged?",
                *(self._path, self._decoded, self._stream.frames, cause),
            )


def _open(path: Path) -> InputContainer:
    try:
        if path.is_file() and path.stat().st_size == 0:  # pipes have no size
            raise VideoError(f"{path}: the file is empty")
        # The prefix keeps FFmpeg from taking a colon in the name for a protocol.
        return av.open(f"file:{path}")
    except av.error.InvalidDataError as error:
        raise VideoError(
            f"{path}: not a video that can be read: another kind of file, or a video cut off before its index"
        ) from error
    except (OSError, av.FFmpegError) as error:
        raise VideoError(f"{path}: cannot be opened: {error.strerror}; check the path") from error
