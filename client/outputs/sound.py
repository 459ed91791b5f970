"""Sound beside the pictures: the source's packets, copied as they are."""

from __future__ import annotations

import io
import logging
from math import inf

import av
from av.container import OutputContainer

from client.video.sound import Sound

# What an MP4 takes and players play. Others (PCM, Vorbis, AMR) fit in by the letter, but hardly any browser plays them.
_CODECS = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp2", "mp3", "opus"})
_LEAD = 0.1  # seconds of sound before the first frame that are kept: coders need a packet or two to get going

log = logging.getLogger(__name__)


def can_copy(sound: Sound, path: str) -> bool:
    """Whether an MP4 takes this sound; where it does not, a warning says so."""
    refusal = sound.refusal
    if not refusal and sound.codec not in _CODECS:
        refusal = f"it is {sound.codec}, which an MP4 does not take"
    if not refusal and not _is_taken(sound):
        refusal = f"it is {sound.codec} of {sound.stream.codec_context.sample_rate} Hz, which an MP4 does not take"
    if refusal:
        log.warning("%s: is written without sound: %s; --no-audio does without this warning", path, refusal)
    return not refusal


def _is_taken(sound: Sound) -> bool:
    """Ask FFmpeg's writer, which refuses the whole file for such a stream: MP3 of less than 16 kHz, for one."""
    try:
        with av.open(io.BytesIO(), "w", format="mp4") as trial:
            trial.add_stream_from_template(sound.stream)
            trial.start_encoding()
    except (OSError, ValueError, av.FFmpegError):
        return False
    return True


class SoundCopy:
    """The sound's stream in an output."""

    def __init__(self, container: OutputContainer, sound: Sound, begin: float, path: str) -> None:
        """
        Args:
            begin: seconds since the source's first frame, at which the output begins.
            path: the output's name in messages.
        """
        self._container, self._sound, self._begin = container, sound, begin
        self._path = path
        self._stream = container.add_stream_from_template(sound.stream)
        self._last: int | None = None  # time stamp of the last packet, in ticks of its own
        self._broken = 0  # packets that the output refuses

    def write(self, until: float) -> None:
        """Copy the packets that begin up to a time, seconds since the source's first frame."""
        for seconds, packet in self._sound.take(until):
            if seconds < self._begin - _LEAD:
                continue
            stamp = round((seconds - self._begin) / packet.time_base)
            self._last = stamp if self._last is None else max(self._last + 1, stamp)
            packet.pts = packet.dts = self._last
            packet.stream = self._stream
            try:
                self._container.mux_one(packet)
            except av.error.InvalidDataError:  # by the filter that takes the heads off a transport stream's AAC
                self._broken += 1

    def finish(self, end: float) -> None:
        """Copy the rest: up to ``end``, the last frame's, or all of it where the source was read to its own end."""
        self.write(inf if self._sound.complete else end)
        if self._broken:
            log.warning("%s: %d packets of the sound are damaged and are left out", self._path, self._broken)
