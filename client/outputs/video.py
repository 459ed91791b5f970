"""Results to look at: the video with its tracks, as an MP4 that every browser plays."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from client.outputs.render import Renderer
from client.outputs.sink import FileSink, SinkError
from client.outputs.sound import SoundCopy, can_copy
from client.pipeline.tracked import TrackedFrame
from client.video.sound import Sound
from mot.geometry import Letterbox

# Ticks per second: whole numbers of them for 10, 12, 15, 20, 24, 25, 30, 50, 60, 100, 120 frames per second. A finer
# clock would not do: FFmpeg's muxer counts the ticks between two frames in 31 bits, which are 8 days of this one.
_CLOCK = 3_000
_LONGEST_PAUSE = (1 << 31) - 2  # ticks
_LARGEST_SIDE = 16384  # pixels, x264's limit
_LARGEST_ASPECT = 4096  # of the denominator of a pixel's width / height; H.264 has 16 bits for each
_BT601, _BT709, _LIMITED = 6, 1, 1  # ISO/IEC 23091-2 codes: SMPTE 170M matrix; primaries and transfer; 16..235

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class VideoQuality:
    """x264's settings. Measured on vtest.avi on 2 cores: superfast takes 4 ms a frame, veryfast 6 ms."""

    preset: str = "superfast"
    crf: int = 25  # constant rate factor: less is better and larger


class VideoSink(FileSink):
    """H.264, yuv420p, index in front (faststart), time stamps of the source (variable frame rate).

    An odd width or height is made even by repeating the last column or row: nothing is scaled. Frames of another
    size than the first are letterboxed to the first's. Pixels that are not square stay so: a player shows people in
    their shape. Without a frame, no file appears.

    The source's sound is copied, packet by packet, where an MP4 takes it; a warning says where it does not.
    """

    def __init__(
        self,
        path: Path,
        *,
        frame_rate: float,
        renderer: Renderer | None = None,
        quality: VideoQuality | None = None,
        sound: Sound | None = None,
    ) -> None:
        super().__init__(path)
        self._frame_rate = max(_as_fraction(frame_rate), Fraction(_CLOCK, _LONGEST_PAUSE))
        self._renderer = renderer
        self._quality = quality or VideoQuality()
        self._sound = sound
        self._file: io.FileIO | None = None
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._sound_copy: SoundCopy | None = None
        self._size = (0, 0)  # (width, height) of the first frame, before padding
        self._begin = 0.0  # seconds, time of the first frame
        self._last = -1  # time stamp of the last frame, ticks
        self._shortened = 0  # ticks by which pauses too long for the clock were cut

    def _open(self, path: Path) -> None:
        # Absolute, because FFmpeg opens the name again for faststart, and would take "a:b.mp4" for a protocol.
        self._file = _WholeWrites(path.absolute(), "w")
        # Without its option, FFmpeg would double the clock until it has 10000 ticks or more.
        options = {"movflags": "+faststart", "video_track_timescale": str(_CLOCK)}
        self._container = av.open(self._file, "w", format="mp4", options=options)
        if self._sound is not None:
            self._sound.wanted = can_copy(self._sound, str(self.path))

    def _write(self, tracked: TrackedFrame) -> None:
        image = tracked.frame.image
        if self._renderer is not None:
            image = image.copy()  # the frame is also others' to look at
            self._renderer.draw(image, tracked.tracks, frame=tracked.frame.index, found=tracked.detections)
        if self._stream is None:
            self._size = (image.shape[1], image.shape[0])
            self._begin = tracked.frame.time
            self._stream = self._add_stream(tracked.frame.pixel_aspect)
            if self._sound is not None and self._sound.wanted:
                assert self._container is not None
                self._sound_copy = SoundCopy(self._container, self._sound, self._begin, str(self.path))
        picture = _to_yuv(_pad_to_even(_fit(image, *self._size)))
        picture.pts, picture.time_base = self._stamp(tracked.frame.time), Fraction(1, _CLOCK)
        picture.duration = self._step
        self._mux(picture)
        if self._sound_copy is not None:
            self._sound_copy.write(tracked.frame.time)

    @property
    def _step(self) -> int:
        """Ticks that a frame lasts, nominally."""
        return min(_LONGEST_PAUSE, max(1, round(_CLOCK / self._frame_rate)))

    def _stamp(self, time: float) -> int:
        """The next frame's, in ticks. A player needs each later than the one before, also where a time repeats."""
        stamp = max(self._last + 1, round((time - self._begin) * _CLOCK) - self._shortened)
        excess = stamp - self._last - _LONGEST_PAUSE
        if excess > 0:
            log.warning("%s: a pause of %.1f days is shortened", self.path, (stamp - self._last) / _CLOCK / 86_400)
            self._shortened += excess
            stamp -= excess
        self._last = stamp
        return stamp

    def _add_stream(self, pixel_aspect: Fraction) -> VideoStream:
        assert self._container is not None, "write outside of the with block"
        width, height = self._size
        if max(width, height) > _LARGEST_SIDE:
            raise SinkError(
                f"{self.path}: {width}x{height} pixels are more than H.264 can hold ({_LARGEST_SIDE} a side); "
                "track without video output"
            )
        # Pictures in the order of showing: the time stamps of B-frames around a long pause overflow in MP4 (ctts).
        options = {"preset": self._quality.preset, "crf": str(self._quality.crf), "bf": "0"}
        stream = self._container.add_stream("libx264", rate=self._frame_rate, options=options)
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _CLOCK)
        stream.codec_context.sample_aspect_ratio = pixel_aspect.limit_denominator(_LARGEST_ASPECT)
        stream.colorspace, stream.color_range = _BT601, _LIMITED
        stream.color_primaries = stream.color_trc = _BT709
        return stream

    def _mux(self, picture: VideoFrame | None) -> None:
        assert self._container is not None and self._stream is not None
        self._container.mux(self._stream.encode(picture))

    def _finish(self) -> bool:
        assert self._container is not None
        if self._stream is None:
            return False
        self._mux(None)
        if self._sound_copy is not None:
            self._sound_copy.finish(self._begin + (self._last + self._step) / _CLOCK)
        self._container.close()
        self._close_file()
        return True

    def _abandon(self) -> None:
        if self._container is not None:
            with suppress(OSError, av.FFmpegError):
                self._container.close()
        with suppress(OSError):
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()


class _WholeWrites(io.FileIO):
    """Writes all of its data or raises.

    FFmpeg takes a short write, such as comes before a full disk, for a whole one. And the file is ours because
    PyAV 18 leaves its own open where the header cannot be written.
    """

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        written = 0
        while written < len(view):
            written += super().write(view[written:])
        return written


def _as_fraction(rate: float) -> Fraction:
    """Exact for 30000/1001 and its like, and for a frame an hour."""
    if rate < 1:
        return 1 / Fraction(1 / rate).limit_denominator(1001)
    return Fraction(rate).limit_denominator(1001)


def _fit(image: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """Letterbox an image of another size."""
    source_height, source_width = image.shape[:2]
    if (source_width, source_height) == (width, height):
        return image
    box = Letterbox(source_width=source_width, source_height=source_height, width=width, height=height)
    return box.apply(image)


def _pad_to_even(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Repeat the last row and column where their number is odd: yuv420p has one colour for 2x2 pixels."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)


def _to_yuv(image: npt.NDArray[np.uint8]) -> VideoFrame:
    # By OpenCV (BT.601, limited range), which takes a fifth of the time of FFmpeg's converter.
    planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)  # (H * 3 / 2, W)
    # Copied: from_numpy_buffer of PyAV 18 cuts heights that are not multiples of four.
    return VideoFrame.from_ndarray(planes, "yuv420p")
