"""Decoding with FFmpeg's libraries: from packets to upright RGB pictures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from client.video.source import VideoError, Window
from mot.frame import Frame

_DEFAULT_FRAME_RATE = 25.0  # where the container says nothing
_LARGEST_FRAME_RATE = 1000.0  # beyond it, a container gives its clock's rate for the pictures'

log = logging.getLogger(__name__)


def video_stream(container: InputContainer, source: str) -> VideoStream:
    """The first moving picture, set to decode with several threads.

    Raises:
        VideoError: there is none (sound, a text, a cover picture); ``source`` names the file or address.
    """
    # FFmpeg plays any .txt as ANSI art; a user who gives one has mistaken the file.
    if container.format.name != "tty":
        for stream in container.streams.video:
            if not stream.disposition & Disposition.attached_pic:
                stream.thread_type = "AUTO"  # type: ignore[assignment]  # PyAV takes the name too
                return stream
    raise VideoError(f"{source}: no video in it (format {container.format.name})")


def frame_rate(stream: VideoStream) -> float:
    """Frames per second, nominal: the container's average, else its guess, else 25."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate is not None and 0 < rate <= _LARGEST_FRAME_RATE:
            return float(rate)
    return _DEFAULT_FRAME_RATE


def announced_frames(container: InputContainer, stream: VideoStream) -> int | None:
    """How many frames the container says or implies that it has: good for progress, not to be trusted."""
    if stream.frames > 0:
        return stream.frames
    if container.duration is not None:
        return max(1, round(container.duration / av.time_base * frame_rate(stream)))
    return None


def decode(container: InputContainer, stream: VideoStream, source: str) -> Iterator[tuple[float, VideoFrame]]:
    """Every picture that can be decoded, in order of showing, with its seconds since the first one.

    Broken packets are skipped with a warning that names ``source``.

    Raises:
        av.FFmpegError: the container cannot be read on.
    """
    step = 1 / frame_rate(stream)
    origin: float | None = None  # the stream's own time of the first picture
    seconds = -step
    broken = 0
    for packet in container.demux(stream):
        try:
            pictures = packet.decode()
        except (av.error.InvalidDataError, av.error.PatchWelcomeError):
            broken += 1
            continue
        for picture in pictures:
            assert isinstance(picture, VideoFrame)
            if picture.pts is None:  # raw streams have no time stamps
                seconds += step
            else:
                origin = picture.time - (seconds + step) if origin is None else origin
                seconds = max(seconds, picture.time - origin)  # damaged files have stamps that run back
            yield seconds, picture
    if broken:
        log.warning("%s: %d broken packets skipped", source, broken)


def numbered(pictures: Iterator[tuple[float, VideoFrame]], window: Window) -> Iterator[Frame]:
    """Number the pictures and convert those in the window.

    Earlier pictures are decoded and dropped: no container's index can be trusted to find frame N.
    """
    to_rgb = _RgbConverter()
    for index, (seconds, picture) in enumerate(islice(pictures, window.end), start=1):
        if index >= window.start:
            yield Frame(index=index, image=to_rgb(picture), time=seconds)


class _RgbConverter:
    """Makes upright RGB pictures of one stream; keeps what is costly to make anew for each."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._rotation: int | None = None
        self._matrix: npt.NDArray[np.int32] | None = None

    def __call__(self, picture: VideoFrame) -> npt.NDArray[np.uint8]:
        """(H, W, 3) RGB, turned and mirrored as the picture's display matrix asks."""
        # Asking for side data ties a picture into a reference cycle, and its memory would wait for the garbage
        # collector (150 MB measured); so it is asked for only where the angle, which costs nothing, has changed.
        if picture.rotation != self._rotation:
            self._rotation = picture.rotation
            matrix = picture.side_data.get("DISPLAYMATRIX")
            self._matrix = np.frombuffer(bytes(matrix), "<i4", count=9) if isinstance(matrix, SideData) else None
        image = np.asarray(self._reformatter.reformat(picture, format="rgb24").to_ndarray(), np.uint8)
        return image if self._matrix is None else _apply_display_matrix(image, self._matrix)


def _apply_display_matrix(image: npt.NDArray[np.uint8], matrix: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Turn by quarters and mirror; other angles, which no camera writes, go to the nearest quarter.

    FFmpeg's libavutil/display.h: x' = a x + c y, y' = b x + d y, with (a, b, _, c, d, ...) = ``matrix``.
    """
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    if abs(b) > abs(a):
        image = np.asarray(cv2.transpose(image), np.uint8)
        a, d = c, b
    if a >= 0 and d >= 0:
        return image
    turn = -1 if a < 0 and d < 0 else 1 if a < 0 else 0  # cv2's codes: both axes, left-right, top-bottom
    return np.asarray(cv2.flip(image, turn), np.uint8)
