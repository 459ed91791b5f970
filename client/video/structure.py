"""Where the chain of a container's outermost elements breaks: for those that do not count their pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import inf
from pathlib import Path

# Matroska's elements (RFC 9559, section 5.1): those that lie anywhere, directly in a segment, directly in a cluster.
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_ANYWHERE = frozenset({0xEC, 0xBF})  # void, checksum
_OF_SEGMENT = frozenset(
    {
        *(0x114D9B74, 0x1549A966, 0x1654AE6B, _CLUSTER, 0x1C53BB6B),  # seek head, information, tracks, clusters, cues
        *(0x1941A469, 0x1043A770, 0x1254C367),  # attachments, chapters, tags
    }
)
_OF_CLUSTER = frozenset({0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF})  # time, silent tracks, positions, blocks
_FLV_KINDS = frozenset({8, 9, 18})  # sound, pictures, data
_HEAD = 16  # bytes that hold the head of any element

Read = Callable[[int], bytes]  # some bytes from a place on, fewer at the end


def break_of(path: Path, format: str) -> int | None:
    """The byte at which the chain of elements breaks; None where it does not, or where nothing is known of it.

    It jumps from head to head; Matroska and FLV have one for each packet.

    Args:
        format: FFmpeg's name of the container.
    """
    walk = _WALKS.get(format)
    if walk is None or not path.is_file():
        return None
    with path.open("rb", buffering=0) as file:
        return walk(lambda place: os.pread(file.fileno(), _HEAD, place), path.stat().st_size)


def _walk_matroska(read: Read, size: int) -> int | None:
    place, segment, cluster = 0, 0.0, 0.0  # ends of the ones around, infinite where a live writer has not known them
    while place < size:
        element, length, begin = _element(read(place), place)
        if cluster == inf and element in _OF_SEGMENT:
            cluster = 0.0
        known = _OF_CLUSTER if cluster > place else _OF_SEGMENT if segment > place else {element}
        if element is None or element not in known | _ANYWHERE:
            return place
        around = cluster if cluster > place else segment if segment > place else inf
        if begin + (length or 0) > min(around, size):
            return place if around < inf else size
        if element == _SEGMENT:
            place, segment = begin, inf if length is None else begin + length
        elif element == _CLUSTER:
            place, cluster = begin, inf if length is None else begin + length
        elif length is None:
            return place
        else:
            place = begin + length
        if segment and place >= segment:
            return None  # what follows is no part of it
    return None


def _element(head: bytes, place: int) -> tuple[int | None, int | None, int]:
    """An element's name, length (None: unknown) and the place of its content (RFC 8794, sections 4 to 6)."""
    if len(head) < 2 or not head[0] >> 4:
        return None, None, place
    name = 9 - head[0].bit_length()
    if len(head) <= name or not head[name]:
        return None, None, place
    width = 9 - head[name].bit_length()
    value = int.from_bytes(head[name : name + width], "big") & ((1 << 7 * width) - 1)
    length = None if value == (1 << 7 * width) - 1 else value
    return int.from_bytes(head[:name], "big"), length, place + name + width


def _walk_mp4(read: Read, size: int) -> int | None:
    """ISO/IEC 14496-12, section 4.2; only where there are fragments, because others count their pictures."""
    place, fragments = 0, False
    while place < size:
        head = read(place)
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


def _walk_flv(read: Read, size: int) -> int | None:
    """Adobe's Flash Video File Format 10.1, annex E.3 and E.4.1: tags, each with its length before and behind it."""
    place = int.from_bytes(read(0)[5:9], "big") + 4
    while place < size:
        head = read(place)
        length = 11 + int.from_bytes(head[1:4], "big")
        if len(head) < 11 or head[0] & 0x1F not in _FLV_KINDS or place + length > size:
            return place
        behind = read(place + length)[:4]
        if behind and int.from_bytes(behind, "big") not in {length, length - 11, 0}:  # some writers leave it out
            return place
        place += length + 4
    return None


_WALKS: dict[str, Callable[[Read, int], int | None]] = {
    "matroska,webm": _walk_matroska,
    "mov,mp4,m4a,3gp,3g2,mj2": _walk_mp4,
    "flv": _walk_flv,
}
