"""Decoding with FFmpeg's libraries: from packets to pictures with their times."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from client.video.clock import Clock
from client.video.packets import LookAhead, Packets, sound_beside, video_stream
from client.video.picture import OneSize, UprightRgb
from client.video.sound import Sound
from client.video.source import Window
from mot.frame import Frame

# Each packet is a picture that is shown. VP8, VP9 and AV1 have some that are only referred to.
_ONE_EACH = frozenset({"flv1", "h263", "h264", "hevc", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4"})

log = logging.getLogger(__name__)


class Decoding:
    """One reading of a container's video stream, from where it stands.

    Args:
        source: names the file or address in messages.
        live: the packets appear in real time.

    Raises:
        VideoError: there is no video in it.
    """

    def __init__(self, container: InputContainer, source: str, look_ahead: LookAhead, *, live: bool = False) -> None:
        self.stream: VideoStream = video_stream(container, source)
        self.packets = Packets(container, self.stream, look_ahead, live=live)
        self.frame_rate = self.packets.rate
        self.clock: Clock[VideoFrame] = Clock(1 / self.frame_rate, source)
        self.decoded = 0  # pictures so far
        self.corrupt = 0  # of them, those that the decoder marks as damaged
        self.broken = 0  # packets that could not be decoded
        self._by_fields = False  # two packets may make one picture
        self.end: float | None = None  # seconds on the container's clock, behind the last picture
        self._container = container
        self._tick = float(self.stream.time_base or 0)
        # What the container says of it holds throughout; where it only repeats what the pictures say, they are asked.
        written = self.stream.sample_aspect_ratio
        self._written_aspect = None if written == self.stream.codec_context.sample_aspect_ratio else written

    def pixel_aspect(self) -> Fraction:
        """Width / height of a pixel of what was decoded last, as it is shown."""
        ratio = self._written_aspect or self.stream.codec_context.sample_aspect_ratio
        return Fraction(1) if ratio is None or ratio <= 0 else Fraction(ratio)

    @property
    def announced(self) -> int | None:
        """How many frames the container says or implies that it has: good for progress, not to be trusted."""
        if self.stream.frames > 0:
            return max(1, self.stream.frames - self.packets.discarded)
        if self._container.duration is not None:
            return max(1, round(self._container.duration / av.time_base * self.frame_rate))
        return None

    @property
    def withheld(self) -> int:
        """Packets that gave no picture, of all that should have; to be asked when all have been read."""
        if self._by_fields or self.stream.codec_context.codec.canonical_name not in _ONE_EACH:
            return 0
        return max(0, self.packets.shown - self.decoded)

    def __iter__(self) -> Iterator[tuple[float, VideoFrame]]:
        """Every picture that can be decoded, in order of showing, with its seconds since the first one.

        Packets that cannot be decoded are counted and skipped.

        Raises:
            av.FFmpegError: the container cannot be read on; every picture before that has been given.
        """
        try:
            for stamp, arrival, picture in self._pictures():
                yield from self.clock.push(stamp, picture, arrival)
        except av.FFmpegError:
            yield from self.clock.rest()
            raise
        yield from self.clock.rest()

    def _pictures(self) -> Iterator[tuple[float | None, float | None, VideoFrame]]:
        """Each picture with its time stamp and, of a live source, its arrival; an error comes after the last one."""
        try:
            yield from self._of_packets()
        except av.FFmpegError:
            for picture in self._held_back():
                self._note(picture)
                yield None if self.packets.arrives else self._stamp(picture), None, picture
            raise

    def _held_back(self) -> list[VideoFrame]:
        """What the decoder still has where no packets come any more."""
        try:
            return self.stream.decode(None)
        except av.FFmpegError:
            return []

    def _of_packets(self) -> Iterator[tuple[float | None, float | None, VideoFrame]]:
        arrivals: deque[float] = deque(maxlen=64)  # of packets whose picture is still to come
        for packet, arrival in self.packets:
            if arrival is not None and packet.size:
                arrivals.append(arrival)
            try:
                pictures = packet.decode()
            except av.FFmpegError as error:  # of a damaged packet, it may be any
                if isinstance(error, MemoryError):
                    raise
                self.broken += 1
                if arrivals:
                    arrivals.popleft()
                continue
            for picture in pictures:
                assert isinstance(picture, VideoFrame)
                # Pictures come in another order than packets, and some packets give none; arrivals only grow.
                arrived = arrivals.popleft() if len(arrivals) > 1 else next(iter(arrivals), None)
                self._note(picture)
                yield arrived if self.packets.arrives else self._stamp(picture), arrived, picture

    def _note(self, picture: VideoFrame) -> None:
        self.decoded += 1
        self.corrupt += picture.is_corrupt
        self._by_fields |= picture.interlaced_frame
        stamp = self._stamp(picture)
        if stamp is not None:
            end = stamp + (picture.duration * self._tick or 1 / self.frame_rate)
            self.end = end if self.end is None else max(self.end, end)

    def _stamp(self, picture: VideoFrame) -> float | None:
        # Not by the picture's own time base: what comes out at the end has none.
        return None if picture.pts is None else picture.pts * self._tick


class Numbering:
    """Numbers pictures, from whatever connection they come, and converts those in the window."""

    def __init__(self, window: Window, source: str) -> None:
        self._window = window
        self._to_rgb = UprightRgb()
        self._fit = OneSize(source)

    def frames(
        self, pictures: Iterator[tuple[float, VideoFrame]], pixel_aspect: Callable[[], Fraction]
    ) -> Iterator[Frame]:
        """The frames in the window; earlier pictures are decoded and dropped.

        No container's index can be trusted to find frame N.

        Args:
            pixel_aspect: width / height of a pixel of the last picture, before it is turned.
        """
        for index, (seconds, picture) in enumerate(islice(pictures, self._window.end), start=1):
            if index >= self._window.start:
                image = self._to_rgb(picture)
                aspect = 1 / pixel_aspect() if self._to_rgb.turned else pixel_aspect()
                image = self._fit(image, index, aspect)
                yield Frame(index=index, image=image, time=seconds, pixel_aspect=self._fit.pixel_aspect)


def open_sound(container: InputContainer, decoding: Decoding, source: str, *, live: bool = False) -> Sound | None:
    """The sound that belongs to a video stream; None where there is none. That of a live source is never given."""
    stream = sound_beside(container, decoding.stream)
    if stream is None:
        return None
    if live:
        return Sound(stream, decoding.clock, source, refusal="a live source's sound is not kept")
    sound = Sound(stream, decoding.clock, source)
    decoding.packets.aside = sound.put
    return sound
