"""Frames from a video file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from client.video.container import open_file
from client.video.damage import warn_of_broken, warn_of_gaps, warn_of_missing
from client.video.decode import Decoding, Numbering, open_sound
from client.video.gaps import Gaps
from client.video.packets import OF_FILE
from client.video.sound import Sound
from client.video.source import Source, VideoError, Window
from mot.frame import Frame


class VideoFile(Source):
    """A video file. One that is cut off or damaged gives every frame that can be decoded, and a warning."""

    live = False

    def __init__(self, path: Path, window: Window) -> None:
        self._path = path
        self._window = window
        self._container = _open(path)
        try:
            self._decoding = Decoding(self._container, str(path), OF_FILE)
        except VideoError:
            self._container.close()
            raise
        # Beside sound, FFmpeg's own AVI begins with one picture and a few empty ones.
        first_alone = self._container.format.name == "avi" and bool(self._container.streams.audio)
        self._gaps = Gaps(1 / self._decoding.frame_rate, first_alone=first_alone)
        announced = self._decoding.announced
        self.name = path.stem
        self.frame_rate = self._decoding.frame_rate
        self.frame_count = None if announced is None else window.count(announced)
        self.sound: Sound | None = open_sound(self._container, self._decoding, str(path))

    def __iter__(self) -> Iterator[Frame]:
        numbering = Numbering(self._window, str(self._path))
        try:
            yield from numbering.frames(self._pictures(), self._decoding.pixel_aspect)
        finally:
            if self._decoding.decoded:
                warn_of_broken(str(self._path), self._decoding)
                warn_of_gaps(str(self._path), self._decoding, self._gaps)
        if self._decoding.decoded == 0:
            raise VideoError(f"{self._path}: {_nothing(self._path, self._container)}")
        self._window.check(str(self._path), self._decoding.decoded)

    def close(self) -> None:
        self._container.close()

    def _pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """The pictures up to the end or to where the file cannot be read on; warns of what is missing."""
        cause = ""
        try:
            for number, (seconds, picture) in enumerate(self._decoding, start=1):
                self._gaps.add(seconds)
                if self.sound is not None and number < self._window.start:
                    self.sound.forget(seconds)
                yield seconds, picture
        except av.FFmpegError as error:
            cause = str(error.strerror)
        if self.sound is not None:
            self.sound.complete = True
        warn_of_missing(str(self._path), self._container, self._decoding, cause)


def _open(path: Path) -> InputContainer:
    try:
        if path.is_file() and path.stat().st_size == 0:  # pipes have no size
            raise VideoError(f"{path}: the file is empty")
        return open_file(path)
    except av.error.InvalidDataError as error:
        raise VideoError(
            f"{path}: not a video that can be read: another kind of file, or a video cut off before its index"
        ) from error
    except (OSError, av.FFmpegError) as error:
        raise VideoError(f"{path}: cannot be opened: {error.strerror}; check the path") from error


def _nothing(path: Path, container: InputContainer) -> str:
    """Why no frame could be decoded, as far as can be told."""
    if container.format.name == "webp_pipe" and _is_animated_webp(path):
        return (
            "an animated WebP, which is not supported; make a video or single images of it first, "
            "e.g. with `magick anim.webp frames/%06d.png`"
        )
    return f"no frame can be decoded; the video is empty or damaged, or its kind ({container.format.name}) is unknown"


def _is_animated_webp(path: Path) -> bool:
    """By the flag in the extended header (RFC 9649, section 2.7)."""
    with path.open("rb") as file:
        head = file.read(21)
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20] & 0x02)
