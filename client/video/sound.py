"""A source's sound, packet by packet, for whoever writes it beside the pictures."""

from __future__ import annotations

from collections import deque
from threading import Lock

from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from client.video.clock import Clock

_USUAL_STEP = 0.02  # seconds; of packets that do not say how long they are


class Sound:
    """The packets of one audio stream, undecoded, with their seconds since the source's first frame.

    They are put in by the thread that reads the source, and taken out by the one that writes the video. Nothing is
    kept before ``wanted`` is set.
    """

    def __init__(self, stream: AudioStream, pictures: Clock[VideoFrame], source: str, *, refusal: str = "") -> None:
        """
        Args:
            pictures: the clock of the video that it belongs to.
            refusal: why none of it will come, or empty.
        """
        known = stream.codec_context is not None  # else PyAV found no decoder, whatever its types say
        self.refusal = refusal or ("" if known else "its kind is not known, or its header is damaged")
        self.stream = stream
        self.codec = stream.codec_context.codec.canonical_name if known else ""
        self.wanted = False
        self.complete = False  # whether the source has been read to its end
        self._pictures = pictures
        self._source = source
        self._clock: Clock[Packet[Stream]] | None = None
        self._packets: deque[tuple[float, Packet[Stream]]] = deque()  # seconds since the first packet
        self._lock = Lock()

    def put(self, packet: Packet[Stream]) -> None:
        """Take a packet of the source; those of other streams are left out."""
        if not self.wanted or packet.stream_index != self.stream.index or packet.pts is None:
            return
        if self._clock is None:
            step = float((packet.duration or 0) * packet.time_base) or _USUAL_STEP
            self._clock = Clock(step, self._source, "sound packet")
        with self._lock:
            self._packets += self._clock.push(float(packet.pts * packet.time_base), packet)

    def forget(self, seconds: float) -> None:
        """Drop what has ended before a time."""
        self._take(seconds)

    def take(self, until: float) -> list[tuple[float, Packet[Stream]]]:
        """The packets that begin up to a time, and that have not been taken; ``inf`` for all there are."""
        return self._take(until)

    def _take(self, until: float) -> list[tuple[float, Packet[Stream]]]:
        with self._lock:
            if self._clock is None or self._clock.first_stamp is None or self._pictures.first_stamp is None:
                return []
            if self.complete:
                self._packets += self._clock.rest()
            shift = self._clock.first_stamp - self._pictures.first_stamp
            taken = []
            while self._packets and self._packets[0][0] + shift <= until:
                seconds, packet = self._packets.popleft()
                taken.append((seconds + shift, packet))
            return taken
