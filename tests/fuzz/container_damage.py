"""Damage to a video file: flipped bits, blocks that are lost, moved or overwritten, odd numbers in headers."""

from __future__ import annotations

from random import Random

from tests.fuzz.mutation import Mutation

_TS_PACKET = 188  # bytes; ISO/IEC 13818-1, section 2.4.3.2
_HEADER = 700  # bytes at both ends of a file, in which headers and indices lie
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1)
_SMALLEST = 2 * _TS_PACKET  # bytes of what is worth damaging


def flip(data: bytes, random: Random) -> bytes:
    """From one to 64 bits, anywhere."""
    return _flipped(data, [random.randrange(len(data)) for _ in range(1 << random.randrange(7))], random)


def flip_header(data: bytes, random: Random) -> bytes:
    """From one to eight bits near an end."""
    return _flipped(data, [_header_place(data, random) for _ in range(1 << random.randrange(4))], random)


def overflow(data: bytes, random: Random) -> bytes:
    """A number of a header, of 1 to 8 bytes, becomes the least, the greatest or one that overflows."""
    size = 1 << random.randrange(4)
    value = random.choice(_EXTREMES) & ((1 << 8 * size) - 1)
    place = min(_header_place(data, random), len(data) - size)
    return data[:place] + value.to_bytes(size, random.choice(("big", "little"))) + data[place + size :]


def truncate(data: bytes, random: Random) -> bytes:
    """The end is gone."""
    return data[: random.randrange(len(data))]


def behead(data: bytes, random: Random) -> bytes:
    """The beginning is gone."""
    return data[random.randrange(len(data)) // 4 :]


def zero(data: bytes, random: Random) -> bytes:
    """A block of zeros, as of a disk that was full."""
    begin, end = _block(data, random)
    return data[:begin] + bytes(end - begin) + data[end:]


def overwrite(data: bytes, random: Random) -> bytes:
    """A block of anything."""
    begin, end = _block(data, random)
    return data[:begin] + random.randbytes(end - begin) + data[end:]


def drop(data: bytes, random: Random) -> bytes:
    """A block is missing."""
    begin, end = _block(data, random)
    return data[:begin] + data[end:]


def repeat(data: bytes, random: Random) -> bytes:
    """A block comes twice."""
    begin, end = _block(data, random)
    return data[:end] + data[begin:end] + data[end:]


def move(data: bytes, random: Random) -> bytes:
    """A block stands at another place."""
    begin, end = _block(data, random)
    rest = data[:begin] + data[end:]
    place = random.randrange(len(rest) + 1)
    return rest[:place] + data[begin:end] + rest[place:]


def append(data: bytes, random: Random) -> bytes:
    """Something behind the end."""
    return data + random.randbytes(random.randrange(1, 2000))


def spliced(others: tuple[bytes, ...]) -> Mutation:
    """The first part of the file and the last part of another one."""

    def splice(data: bytes, random: Random) -> bytes:
        other, share = random.choice(others), random.uniform(0.1, 0.9)
        where = share if random.randrange(2) else random.random()
        return data[: int(len(data) * share)] + other[int(len(other) * where) :]

    return splice


def damages(seeds: tuple[bytes, ...]) -> tuple[Mutation, ...]:
    """All of them; what is hardly more than a header is left alone."""
    kinds = (flip, flip_header, overflow, truncate, behead, zero, overwrite, drop, repeat, move, append, spliced(seeds))

    def unless_tiny(kind: Mutation) -> Mutation:
        return lambda data, random: kind(data, random) if len(data) >= _SMALLEST else data

    return tuple(unless_tiny(kind) for kind in kinds)


def _flipped(data: bytes, places: list[int], random: Random) -> bytes:
    content = bytearray(data)
    for place in places:
        content[place] ^= 1 << random.randrange(8)
    return bytes(content)


def _header_place(data: bytes, random: Random) -> int:
    place = random.randrange(min(_HEADER, len(data)))
    return place if random.randrange(3) else len(data) - 1 - place


def _block(data: bytes, random: Random) -> tuple[int, int]:
    """Beginning and end of a stretch; half of them are whole packets of a transport stream."""
    unit = random.choice((1, _TS_PACKET))
    most = max(1, min(len(data) // 2, 1 << random.randrange(1, 12)) // unit)
    size = unit * random.randint(1, most)
    begin = random.randrange(max(1, (len(data) - size) // unit)) * unit
    return begin, min(len(data), begin + size)
