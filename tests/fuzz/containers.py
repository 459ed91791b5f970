"""Small videos of every usual container, and damage to them: each input is known by its target and its number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.media import Image, make_video, with_sound

FRAMES = 16
_TS_PACKET = 188  # bytes; ISO/IEC 13818-1, section 2.4.3.2
_HEADER = 700  # bytes at both ends of a file, in which headers and indices lie
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1)

Make = Callable[[Path, list[Image]], Path]
Damage = Callable[[bytearray, np.random.Generator], None]


def _plain(codec: str = "libx264", *, pix_fmt: str = "yuv420p", ticks: int = 1000, **options: str) -> Make:
    return lambda path, images: make_video(path, images, codec=codec, pix_fmt=pix_fmt, ticks=ticks, options=options)


def _sounding(codec: str = "libx264") -> Make:
    return lambda path, images: with_sound(path, images, FRAMES / 10, codec=codec)


TARGETS: Mapping[str, tuple[Make, ...]] = {
    "mp4": (
        _plain(),
        _plain(movflags="+faststart"),
        _plain(movflags="frag_keyframe+empty_moov"),
        _plain("mpeg4"),
        _sounding(),
    ),
    "mkv": (_plain(), _plain("mpeg4"), _sounding()),
    "avi": (_plain("mpeg4", ticks=10), _plain("mjpeg", pix_fmt="yuvj420p", ticks=10), _sounding("mpeg4")),
    "ts": (_plain(), _plain("mpeg2video", ticks=25), _sounding()),
    "webm": (_plain("libvpx"), _plain("libvpx-vp9")),
    "flv": (_plain("flv1"), _plain(), _sounding()),
}


@dataclass(frozen=True, kw_only=True)
class Input:
    """One damaged file, made anew from its number; ``harm`` names what was done to it, in order."""

    target: str
    number: int
    seed: str
    harm: tuple[str, ...]
    content: bytes


def make_seeds(target: str, folder: Path) -> list[Path]:
    """The undamaged files of a target: 64x48 pixels, ten pictures a second, a disc that moves over grain."""
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 40, (48, 64, 3), dtype=np.uint8)
    images = []
    for number in range(FRAMES):
        image = grain + np.uint8(100)
        cv2.circle(image, (8 + 3 * number, 24), 8, (250, 60, 30), -1)
        images.append(image)
    return [make(folder / f"{number}.{target}", images) for number, make in enumerate(TARGETS[target])]


def make_input(target: str, number: int, seeds: Mapping[str, bytes]) -> Input:
    """The input of a number: one seed with one harm, sometimes with up to three."""
    rng = np.random.default_rng([number, *target.encode()])
    names = sorted(seeds)
    name = names[rng.integers(len(names))]
    other = seeds[names[rng.integers(len(names))]]
    content = bytearray(seeds[name])
    done = []
    for _ in range(1 + int(rng.integers(3)) * int(rng.integers(2))):
        kinds = [*_HARM, "splice"]
        kind = kinds[rng.integers(len(kinds))]
        if len(content) < 2 * _TS_PACKET:
            break
        if kind == "splice":
            _splice(content, other, rng)
        else:
            _HARM[kind](content, rng)
        done.append(kind)
    return Input(target=target, number=number, seed=name, harm=tuple(done), content=bytes(content))


def _place(content: bytearray, rng: np.random.Generator) -> int:
    return int(rng.integers(len(content)))


def _header_place(content: bytearray, rng: np.random.Generator) -> int:
    place = int(rng.integers(min(_HEADER, len(content))))
    return place if rng.integers(3) else len(content) - 1 - place


def _block(content: bytearray, rng: np.random.Generator) -> tuple[int, int]:
    """Beginning and end of a stretch; half of them are whole packets of a transport stream."""
    unit = _TS_PACKET if rng.integers(2) else 1
    most = max(1, min(len(content) // 2, 1 << int(rng.integers(1, 12))) // unit)
    size = unit * int(rng.integers(1, most + 1))
    begin = int(rng.integers(max(1, (len(content) - size) // unit))) * unit
    return begin, min(len(content), begin + size)


def _flip(content: bytearray, rng: np.random.Generator) -> None:
    for _ in range(1 << int(rng.integers(7))):
        content[_place(content, rng)] ^= 1 << int(rng.integers(8))


def _flip_header(content: bytearray, rng: np.random.Generator) -> None:
    for _ in range(1 << int(rng.integers(4))):
        content[_header_place(content, rng)] ^= 1 << int(rng.integers(8))


def _extreme(content: bytearray, rng: np.random.Generator) -> None:
    """A number of the header, of 1 to 8 bytes, becomes the least, the greatest or one that overflows."""
    size = 1 << int(rng.integers(4))
    value = _EXTREMES[rng.integers(len(_EXTREMES))] & ((1 << 8 * size) - 1)
    place = min(_header_place(content, rng), len(content) - size)
    content[place : place + size] = value.to_bytes(size, "big" if rng.integers(2) else "little")


def _truncate(content: bytearray, rng: np.random.Generator) -> None:
    del content[_place(content, rng) :]


def _behead(content: bytearray, rng: np.random.Generator) -> None:
    del content[: _place(content, rng) // 4]


def _zero(content: bytearray, rng: np.random.Generator) -> None:
    begin, end = _block(content, rng)
    content[begin:end] = bytes(end - begin)


def _randomise(content: bytearray, rng: np.random.Generator) -> None:
    begin, end = _block(content, rng)
    content[begin:end] = rng.bytes(end - begin)


def _drop(content: bytearray, rng: np.random.Generator) -> None:
    begin, end = _block(content, rng)
    del content[begin:end]


def _duplicate(content: bytearray, rng: np.random.Generator) -> None:
    begin, end = _block(content, rng)
    content[end:end] = content[begin:end]


def _move(content: bytearray, rng: np.random.Generator) -> None:
    begin, end = _block(content, rng)
    block = content[begin:end]
    del content[begin:end]
    place = int(rng.integers(len(content) + 1))
    content[place:place] = block


def _append(content: bytearray, rng: np.random.Generator) -> None:
    content += rng.bytes(int(rng.integers(1, 2000)))


def _splice(content: bytearray, other: bytes, rng: np.random.Generator) -> None:
    """The first part of one file, the last part of another."""
    share = rng.uniform(0.1, 0.9)
    content[int(len(content) * share) :] = other[int(len(other) * (share if rng.integers(2) else rng.uniform())) :]


_HARM: Mapping[str, Damage] = {
    "flip": _flip,
    "flip header": _flip_header,
    "extreme": _extreme,
    "truncate": _truncate,
    "behead": _behead,
    "zero": _zero,
    "randomise": _randomise,
    "drop": _drop,
    "duplicate": _duplicate,
    "move": _move,
    "append": _append,
}
