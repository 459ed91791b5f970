"""The packets of one video stream, as a container gives them, and what its first ones say of it."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from client.video.source import VideoError

_DEFAULT_FRAME_RATE = 25.0  # where nothing tells
LARGEST_FRAME_RATE = 1000.0  # beyond it, a container gives its clock's rate for the pictures'
_REGULAR = 0.6  # of the intervals, that are near the usual one
_STRETCH = 12  # intervals: whole bursts of 2, 3, 4 or 6
_LONGEST_STEP = 1.0  # seconds a frame, of bursts; what is slower are pauses
_MOST_PIXELS = 142_606_336  # of the largest picture of any level of H.265 (table A.8); a damaged header may say more
_NO_TIME_STAMPS = 0x80  # libavformat/avformat.h: AVFMT_NOTIMESTAMPS; what FFmpeg then gives, it has counted
_MIB = 1 << 20

Aside: TypeAlias = "Callable[[Packet[Stream]], None]"  # quoted, because only the stubs know packets by stream


@dataclass(frozen=True, kw_only=True)
class LookAhead:
    """How much of a stream is read, not decoded, before its nominal rate is told."""

    packets: int
    size: int = 16 * _MIB  # bytes
    seconds: float = 3.0  # that a pipe or a stream may take for it, once there are two packets


OF_FILE = LookAhead(packets=256)
OF_STREAM = LookAhead(packets=16, seconds=2.0)


def video_stream(container: InputContainer, source: str) -> VideoStream:
    """The stream to track, set to decode with several threads; other pictures and other sound are not read.

    FFmpeg's own choice (fftools/ffmpeg_mux_init.c, map_auto_video): the default one, else the largest. Attached
    pictures are never taken, and a single picture only where nothing moves.

    Raises:
        VideoError: there is none (sound, a text, a cover picture), or none that can be decoded; ``source`` names the
            file or address.
    """
    # FFmpeg plays any .txt as ANSI art; a user who gives one has mistaken the file.
    moving = [] if container.format.name == "tty" else [s for s in container.streams.video if _moves(s)]
    if not moving:
        raise VideoError(f"{source}: no video in it (format {container.format.name})")
    usable = [stream for stream in moving if stream.codec_context is not None]
    if not usable:
        raise VideoError(
            f"{source}: its video is of a kind that is not known here (format {container.format.name}), or its header "
            "is damaged; convert it to H.264"
        )
    chosen = max(usable, key=_rank)
    sound = sound_beside(container, chosen)
    for stream in (*container.streams.video, *container.streams.audio):
        if stream.index != chosen.index and (sound is None or stream.index != sound.index):
            stream.discard = Discard.all  # of a live playlist, each would be fetched
    chosen.thread_type = "AUTO"  # type: ignore[assignment]  # PyAV takes the name too
    chosen.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
    return chosen


def sound_beside(container: InputContainer, pictures: VideoStream) -> AudioStream | None:
    """The sound that belongs to a video stream, by FFmpeg's choice."""
    try:
        sound = container.streams.best("audio", pictures)
    except IndexError:  # one that has appeared since the opening (FLV, MPEG-TS), which PyAV does not know
        return None
    return sound if isinstance(sound, AudioStream) else None


def _moves(stream: VideoStream) -> bool:
    return not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)


def _rank(stream: VideoStream) -> tuple[bool, bool, int, int]:
    default = bool(stream.disposition & Disposition.default)
    return stream.frames != 1, default, stream.width * stream.height, -stream.index


class Packets:
    """Reads a container once, in order: gives the packets of one stream, shows the others to ``aside``.

    The first ones are read when this is made, and kept, to learn the stream's nominal rate.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, look_ahead: LookAhead, *, live: bool = False
    ) -> None:
        self.aside: Aside = _ignore  # is given the packets of all other streams
        self.reached: float | None = None  # seconds on the container's clock: how far any of its streams came
        # Where FFmpeg has to count frames, a live source's times are those of the packets' arrival.
        self.arrives = live and bool(container.format.flags & _NO_TIME_STAMPS)
        self.first: bytes | None = None  # the first packet's content, as a digest
        self.count = 0  # packets of the stream so far
        self.discarded = 0  # packets of the look-ahead that an edit list hides
        self.shown = 0  # packets so far that none hides
        self.begins_late = False  # without a key frame
        self.corrupt = 0  # packets so far that the container takes for damaged or cut short
        self.last = 0  # the last one's place in the order of decoding, in ticks of the stream's clock
        self._stream, self._live = stream, live
        self._source = _demuxed(container)
        self._failure: av.FFmpegError | None = None
        self._ahead: deque[tuple[Packet[Stream], float]] = deque()
        self._look(look_ahead)
        self.rate = self._nominal_rate()

    def __iter__(self) -> Iterator[tuple[Packet[Stream], float | None]]:
        """Each packet with the time of its arrival on this machine's clock, of a live source, else None.

        The last one is empty: it brings out what the decoder still holds.

        Raises:
            av.FFmpegError: the container cannot be read on.
        """
        while True:
            if self._ahead:
                packet, arrival = self._ahead.popleft()
            elif self._failure is not None:
                raise self._failure
            else:
                found = next(self._source, None)
                if found is None:
                    return
                packet, arrival = found, time.monotonic() if self._live else 0.0
            self._note(packet)
            if self._is_own(packet):
                self._count(packet)
                yield packet, arrival if self._live else None
            elif packet.size:
                self.aside(packet)

    def _is_own(self, packet: Packet[Stream]) -> bool:
        # The empty packets at the end know their stream, but not its number.
        return packet.stream.index == self._stream.index

    def _count(self, packet: Packet[Stream]) -> None:
        if not self.count and packet.size:
            self.begins_late = not packet.is_keyframe
        self.count += packet.size > 0
        self.shown += packet.size > 0 and not packet.is_discard
        self.corrupt += packet.is_corrupt
        if packet.dts is not None:
            self.last = max(self.last, packet.dts)

    def _note(self, packet: Packet[Stream]) -> None:
        if packet.pts is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self.reached = end if self.reached is None else max(self.reached, end)

    def _look(self, limit: LookAhead) -> None:
        """Read the first packets; an error is kept until they are used up."""
        count = size = 0
        begun = time.monotonic()
        try:
            for packet in self._source:
                now = time.monotonic()
                self._ahead.append((packet, now))
                size += packet.size
                if self._is_own(packet):
                    if not count:
                        self.first = hashlib.sha256(bytes(packet)).digest()
                    count += 1
                    self.discarded += packet.is_discard
                if count >= limit.packets or size >= limit.size or (count > 1 and now - begun > limit.seconds):
                    return
        except av.FFmpegError as error:
            self._failure = error

    def _nominal_rate(self) -> float:
        """Frames per second: by the usual interval of the first packets, and as the container writes it if it agrees.

        The container's own average is of no use where there was a pause.
        """
        own = [(p, arrival) for p, arrival in self._ahead if self._is_own(p) and p.size]
        # Decoding time stamps, because those run in the order of the packets.
        tick = self._stream.time_base or Fraction(0)
        stamps = [float(packet.dts * tick) for packet, _ in own if packet.dts is not None]
        times = [arrival for _, arrival in own] if self.arrives else stamps
        announced = [rate for rate in (self._stream.average_rate, self._stream.guessed_rate) if rate]
        usable = [float(rate) for rate in announced if 0 < rate <= LARGEST_FRAME_RATE]
        step = _usual(np.diff(times))
        if step is None:
            return usable[0] if usable else _DEFAULT_FRAME_RATE
        tolerance = 0.02 + (0 if self.arrives else float(tick) / 2 / step)
        agreeing = [rate for rate in usable if abs(rate * step - 1) <= tolerance]
        return agreeing[0] if agreeing else 1 / step


def _demuxed(container: InputContainer) -> Iterator[Packet[Stream]]:
    """The packets of all streams, at the end an empty one of each."""
    try:
        yield from container.demux()
    except IndexError:
        # A stream that has appeared in the middle (FLV, MPEG-TS). PyAV does not know it, and may stumble over it when
        # it makes the empty packets: those of the others have been given then.
        return


def _usual(intervals: npt.NDArray[np.float64]) -> float | None:
    """The median of the positive intervals, as the mean of those near it: containers round times. None without any.

    Where pictures come in bursts or share stamps, as of a sender that buffers, single intervals tell nothing: then it
    is the median over stretches of several. Where a clock jumps back or stands still, nothing is learnt.
    """
    intervals = _running(intervals)
    positive = intervals[intervals > 1 / LARGEST_FRAME_RATE]
    if not len(positive):
        return None
    middle = np.sort(positive)[(len(positive) - 1) // 2]  # one of them, also where their number is even
    near = positive[(positive > 0.6 * middle) & (positive < 1.7 * middle)]
    usual = float(near.mean())
    if len(intervals) < 2 * _STRETCH - 1:
        return usual
    stretch = float(np.median(np.convolve(intervals, np.ones(_STRETCH), "valid"))) / _STRETCH
    bursts = len(near) < _REGULAR * len(intervals) or stretch > 2 * usual
    return stretch if bursts and 1 / LARGEST_FRAME_RATE < stretch < _LONGEST_STEP else usual


def _running(intervals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The intervals without jumps back, and without long runs of no time at all."""
    forward = intervals[intervals >= 0]
    edges = np.flatnonzero(np.diff(np.r_[False, forward == 0, False].astype(np.int8)))  # beginnings and ends of runs
    keep = np.ones(len(forward), np.bool_)
    for begin, end in edges.reshape(-1, 2).tolist():
        keep[begin:end] = end - begin < _STRETCH / 2
    return forward[keep]


def _ignore(_: Packet[Stream]) -> None:
    """Nobody wants the other streams."""
