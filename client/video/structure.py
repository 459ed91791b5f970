"""Where the chain of a container's outermost elements breaks: for those that do not count their pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

# Matroska's elements (RFC 9559, section 5.1): that of all others, and those that lie directly in it.
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_ANYWHERE = frozenset({0xEC, 0xBF})  # void, checksum
_IN_SEGMENT = _ANYWHERE | {
    _CLUSTER,
    *(0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B),  # seek head, information, tracks, cues
    *(0x1941A469, 0x1043A770, 0x1254C367),  # attachments, chapters, tags
}
_FLV_KINDS = frozenset({8, 9, 18})  # sound, pictures, data


def break_of(path: Path, format: str) -> int | None:
    """The byte at which the chain of elements breaks; None where it does not, or where nothing is known of it.

    It jumps from one element to the next: Matroska has one in some seconds, FLV one for each packet.

    Args:
        format: FFmpeg's name of the container.
    """
    walk = _WALKS.get(format)
    if walk is None or not path.is_file():
        return None
    with path.open("rb") as file:
        return walk(file, path.stat().st_size)


def _walk_matroska(file: BinaryIO, size: int) -> int | None:
    place, end, inside = 0, size, False
    while place < end:
        file.seek(place)
        element, length = _vint(file, keep_marker=True), _vint(file)
        if element is None or (inside and element not in _IN_SEGMENT):
            return place
        known = length is not None and length >= 0
        if element == _SEGMENT and not inside:
            place, inside = file.tell(), True
            end = place + length if known and length is not None else size
            if end > size:
                return size
        elif not known or length is None:
            return None if length is not None else place  # of a live writer, which never says where one ends
        else:
            place = file.tell() + length
    return None if place == end or not inside else min(place, size)


def _vint(file: BinaryIO, *, keep_marker: bool = False) -> int | None:
    """A number of RFC 8794, section 4: -1 for an unknown length, None where there is none."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    rest = file.read(more)
    if len(rest) < more:
        return None
    value = int.from_bytes(first + rest, "big")
    if keep_marker:
        return value
    bits = 7 * (more + 1)
    value &= (1 << bits) - 1
    return -1 if value == (1 << bits) - 1 else value


def _walk_mp4(file: BinaryIO, size: int) -> int | None:
    """ISO/IEC 14496-12, section 4.2; only where there are fragments, because others count their pictures."""
    place, fragments = 0, False
    while place < size:
        file.seek(place)
        head = file.read(16)
        kind, length = head[4:8], int.from_bytes(head[:4], "big")
        if len(head) < 8 or not kind.isalnum():
            break
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - place
        if length < 8 or place + length > size:
            break
        fragments |= kind == b"moof"
        place += length
    return place if place < size and fragments else None


def _walk_flv(file: BinaryIO, size: int) -> int | None:
    """Adobe's Flash Video File Format 10.1, annex E.3 and E.4.1: tags, each with its length before and behind it."""
    place = int.from_bytes(file.read(9)[5:9], "big") + 4
    while place < size:
        file.seek(place)
        head = file.read(11)
        length = 11 + int.from_bytes(head[1:4], "big")
        if len(head) < 11 or head[0] & 0x1F not in _FLV_KINDS or place + length > size:
            return place
        file.seek(place + length)
        behind = file.read(4)
        if behind and int.from_bytes(behind, "big") not in {length, length - 11, 0}:  # some writers leave it out
            return place
        place += length + 4
    return None


_WALKS: dict[str, Callable[[BinaryIO, int], int | None]] = {
    "matroska,webm": _walk_matroska,
    "mov,mp4,m4a,3gp,3g2,mj2": _walk_mp4,
    "flv": _walk_flv,
}
