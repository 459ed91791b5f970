"""What a video file lacks of what its header announces, and what in it is broken."""

from __future__ import annotations

import logging
import re
from pathlib import Path, PurePath

import av
from av.container import InputContainer

from client.video.decode import Decoding
from client.video.gaps import Gaps
from client.video.packets import LARGEST_FRAME_RATE
from client.video.structure import break_of

_NO_TIME_STAMPS, _MAY_JUMP = 0x80, 0x200  # libavformat/avformat.h: AVFMT_NOTIMESTAMPS, AVFMT_TS_DISCONT
_CLOCK_IS_LOOSE = _NO_TIME_STAMPS | _MAY_JUMP  # durations are guesses
_CONTAINERS = frozenset({"3gp", "avi", "flv", "m4v", "mkv", "mov", "mp4", "mts", "ts", "webm"})  # endings of names
_LENGTH = re.compile(r"(\d\d):([0-5]\d):([0-5]\d\.\d{1,9})", re.ASCII)
_SLACK = 0.2  # seconds by which headers err
_PART_OF_A_STEP = 0.75  # what rounding can make of one

log = logging.getLogger(__name__)


def is_cut(container: InputContainer, decoding: Decoding) -> bool:
    """Whether what has been read ends before what the header announces; False where it announces nothing."""
    reached, announced = _extent(container, decoding)
    # An edit list hides frames that the header counts, so that there the count tells nothing.
    too_few = not decoding.packets.discarded and decoding.packets.count < decoding.stream.frames
    if announced is None or reached is None:
        return too_few
    steps = (announced - reached) * decoding.frame_rate
    exact = too_few or announced == _written_length(decoding)
    return announced - reached > _slack(decoding) or (exact and steps > _PART_OF_A_STEP)


def warn_of_missing(path: str, container: InputContainer, decoding: Decoding, cause: str) -> None:
    """Say what the file should have had after the last picture; ``cause`` is why it could not be read on, or empty.

    To be called when the file has been read to its end.
    """
    lacks = is_cut(container, decoding)
    if not lacks and not cause:
        _warn_of_signs(path, container, decoding)
        return
    reached, announced = _extent(container, decoding)
    because = f" ({cause})" if cause else ""
    if decoding.stream.frames > decoding.decoded and not decoding.packets.discarded:
        log.warning(
            "%s: %d frames could be read of the %d that its header announces%s; is the file cut off or damaged?",
            *(path, decoding.decoded, decoding.stream.frames, because),
        )
    elif announced is not None and reached is not None and lacks:
        log.warning(
            "%s: it ends after %.4g s, %d frames, but its header announces %.4g s%s; is the file cut off or damaged?",
            *(path, max(0.0, reached), decoding.decoded, announced, because),
        )
    else:
        log.warning("%s: cannot be read on after %d frames%s; is it damaged?", path, decoding.decoded, because)


def _warn_of_signs(path: str, container: InputContainer, decoding: Decoding) -> None:
    """Say what speaks for a loss where the header's length does not."""
    withheld = decoding.withheld - decoding.broken
    if withheld > 0:
        log.warning(
            "%s: %d of %d packets gave no picture; is it damaged, or does it begin between two key frames?",
            *(path, withheld, decoding.packets.shown),
        )
    if decoding.packets.begins_late and not withheld > 0:
        log.warning("%s: does not begin with a key frame; is it damaged? Its first frames are missing or wrong", path)
    place = break_of(Path(path), container.format.name) if not decoding.stream.frames else None
    if place is not None:
        log.warning("%s: its structure breaks at byte %d; is it damaged? Frames may be missing there", path, place)
    suffix = PurePath(path).suffix.lower().removeprefix(".")
    format = container.format
    if format.flags & _NO_TIME_STAMPS and suffix in _CONTAINERS and suffix not in format.extensions:
        log.warning(
            "%s: has no header of .%s that can be read, and is taken for bare pictures (%s): their times are guessed, "
            "and some may be missing; is it damaged?",
            *(path, suffix, format.name),
        )


def warn_of_broken(path: str, decoding: Decoding) -> None:
    """Say how many packets and pictures were damaged, of those read so far."""
    if decoding.broken:
        log.warning("%s: %d broken packets skipped", path, decoding.broken)
    # Where one transport stream begins behind another, the last packet before it is taken for damaged.
    if decoding.packets.corrupt and decoding.stream.container.format.name != "mpegts":
        log.warning("%s: %d packets are damaged or cut short; frames may be missing", path, decoding.packets.corrupt)
    if decoding.corrupt:
        log.warning("%s: %d frames are damaged and are shown as far as they could be decoded", path, decoding.corrupt)


def warn_of_gaps(path: str, decoding: Decoding, gaps: Gaps) -> None:
    """Say where frames are missing in the middle, of those read so far."""
    if gaps.first is not None and (gaps.are_odd or decoding.packets.corrupt):
        log.warning(
            "%s: about %d frames are missing in %d gaps, the first one of %.4g s after frame %d; is it damaged, or did "
            "the source pause?",
            *(path, gaps.missing, gaps.count, gaps.first[1], gaps.first[0]),
        )


def _extent(container: InputContainer, decoding: Decoding) -> tuple[float | None, float | None]:
    """Seconds from the beginning to which the file was read, and to which its header says that it goes.

    A stream's own length is compared with the pictures that were shown. Where only the whole has one (Matroska), any
    stream may have reached it: sound often lasts longer than pictures.
    """
    stream = decoding.stream
    if container.format.flags & _CLOCK_IS_LOOSE:
        return None, None
    if stream.duration is not None and stream.time_base is not None:
        if container.format.name == "avi" and stream.frames:
            # Each frame, also an empty one, is a tick. FFmpeg shortens the duration of one that is cut.
            last = decoding.packets.last
            if last >= stream.frames:  # a damaged index may say anything
                last = decoding.packets.count - 1
            step = 1 / decoding.frame_rate
            tick = float(stream.time_base)
            if tick * LARGEST_FRAME_RATE < 1:  # the header's rate is damaged, and another is taken for it
                tick = step
            return last * tick + step, stream.frames * tick
        begin = float((stream.start_time or 0) * stream.time_base)
        return _reached(decoding, begin, decoding.end), float(stream.duration * stream.time_base)
    if (length := _written_length(decoding)) is not None:
        reached = _reached(decoding, 0.0, decoding.end)
        if container.duration is None or reached is None or reached <= length + _slack(decoding):
            return reached, length
        # It is written in full, the header's length and all stamps in a unit, which is then the part that is damaged.
    if container.duration is not None:
        announced = container.duration / av.time_base
        begin = container.start_time / av.time_base if container.start_time is not None else 0.0
        if 0 < begin < announced:  # some count from 0, as FFmpeg's writers of Matroska, NUT and FLV do
            begin = 0.0
        return _reached(decoding, begin, decoding.packets.reached), announced
    return None, None


def _slack(decoding: Decoding) -> float:
    """Seconds by which lengths in headers err: two frames, or what is usual."""
    return max(_SLACK, 2 / decoding.frame_rate)


def _written_length(decoding: Decoding) -> float | None:
    """Seconds that the writers of Matroska note of each stream, to the tick: ``00:01:02.300000000``."""
    found = _LENGTH.fullmatch(decoding.stream.metadata.get("DURATION", ""))
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _reached(decoding: Decoding, begin: float, end: float | None) -> float | None:
    """Seconds from ``begin`` to ``end``, or those shown where they are more: stamps that jump back say too little."""
    known = [] if end is None else [end - begin]
    if decoding.decoded:
        known.append(decoding.clock.seconds + 1 / decoding.frame_rate)
    return max(known, default=None)
