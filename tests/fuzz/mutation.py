"""Inputs out of valid ones, deterministic by their random generator: bytes, words and lines are changed.

Structures have mutations of their own beside the targets: :mod:`tests.fuzz.json_tree`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Mutation = Callable[[bytes, Random], bytes]

_WORD = re.compile(rb"[+-]?[\w.]+|\"[^\"\n]*\"")
_BYTES = (
    b"\0",
    b"\xff",
    b"\x80",
    b"\n",
    b"\r",
    b" ",
    b",",
    b'"',
    b"[",
    b"{",
    b"=",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xe2\x80\xa8",
)
WORDS = (
    *(
        b"",
        b"0",
        b"-0",
        b"-1",
        b"1",
        b"nan",
        b"-nan",
        b"inf",
        b"-inf",
        b"Infinity",
        b"NaN",
        b"1e400",
        b"-1e308",
        b"1e-320",
    ),
    *(b"2147483648", b"4294967295", b"9007199254740993", b"18446744073709551616", b"9" * 400, b"9" * 5000, b"0x10"),
    *(b"1_000", b"0.5", b"1.", b"00", b"1e9", b"1e18", b"true", b"null", b"none", b"[]", b"{}", b'""', b'"x"', b"'x'"),
    *(
        b"..",
        b"../..",
        b"/",
        b"/etc/passwd",
        b"\\",
        b"~",
        b"%s",
        b"%(x)s",
        b"${HOME}",
        b"\xc2\xa0",
        b"\xd9\xa3",
        b"x" * 300,
    ),
    *(b"[" * 3000, b"{" * 3000, b"[" * 100_000, b"\xff", b"\0", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80"),
)  # numbers that are none, too large or written oddly (the Arabic digit 3), paths, depths, characters


def change_bytes(data: bytes, random: Random) -> bytes:
    """A bit, a byte or a stretch changed, left out, repeated or cut off."""
    if not data:
        return random.choice(_BYTES)
    start = random.randrange(len(data))
    end = min(len(data), start + 1 + int(random.expovariate(0.1)))
    kind = random.randrange(6)
    if kind == 0:
        return data[:start] + bytes([data[start] ^ 1 << random.randrange(8)]) + data[start + 1 :]
    if kind == 1:
        return data[:start] + random.choice(_BYTES) + data[start + random.randrange(2) :]
    if kind == 2:
        return data[:start] + data[end:]
    if kind == 3:
        return data[:end] + data[start:end] * random.choice((1, 1, 2, 100)) + data[end:]
    if kind == 4:
        return data[:start]
    return data[:start] + random.randbytes(end - start) + data[end:]


def change_words(data: bytes, random: Random) -> bytes:
    """A number, name or quoted text replaced by an odd one, or by another of the same input."""
    found = list(_WORD.finditer(data))
    if not found:
        return change_bytes(data, random)
    one = random.choice(found)
    new = random.choice(WORDS) if random.random() < 0.7 else random.choice(found)[0]
    if random.random() < 0.1:
        new = one[0] + new
    return data[: one.start()] + new + data[one.end() :]


def change_lines(data: bytes, random: Random) -> bytes:
    """A line left out, repeated, moved, joined with the next, or ended in another way."""
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        return change_words(data, random)
    i, k = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.randrange(5)
    if kind == 0:
        del lines[i]
    elif kind == 1:
        lines.insert(k, lines[i] * random.choice((1, 1, 3, 50)))
    elif kind == 2:
        lines[i], lines[k] = lines[k], lines[i]
    elif kind == 3:
        lines[i] = lines[i].rstrip(b"\r\n")
    else:
        lines[i] = lines[i].rstrip(b"\r\n") + random.choice(
            (b"\r\n", b"\r", b"\x0c", b"\x1c", b"\xc2\x85", b"\xe2\x80\xa8")
        )
    return b"".join(lines)


def in_utf16(data: bytes, random: Random) -> bytes:
    """The same text, or nearly, as Windows' PowerShell writes it."""
    return data.decode(errors="replace").encode(random.choice(("utf-16", "utf-8-sig", "utf-16-le")))


TEXT: tuple[Mutation, ...] = (change_bytes, change_words, change_words, change_words, change_lines)


def mutated(data: bytes, random: Random, mutations: tuple[Mutation, ...], longest: int) -> bytes:
    """One to a few mutations in a row; one is the most common."""
    for _ in range(1 + min(7, int(random.expovariate(0.8)))):
        data = random.choice(mutations)(data, random)[:longest]
    return data
