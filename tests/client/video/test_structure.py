"""client.video.structure: a chain of elements is whole, or breaks where it was broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client.video.open import open_source
from client.video.structure import break_of
from tests.media import make_video, numbered_image

KINDS = {
    "mkv": ("libx264", "matroska,webm", {}),
    "webm": ("libvpx", "matroska,webm", {}),
    "flv": ("flv1", "flv", {}),
    "mp4": ("libx264", "mov,mp4,m4a,3gp,3g2,mj2", {"movflags": "frag_keyframe+empty_moov"}),
    "live.mkv": ("libx264", "matroska,webm", {"live": "1"}),  # with elements that do not say how long they are
}


def clip(folder: Path, kind: str) -> Path:
    codec, _, options = KINDS[kind]
    images = [numbered_image(n) for n in range(30)]
    return make_video(folder / f"clip.{kind}", images, codec=codec, options=dict(options))


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_has_no_break(tmp_path: Path, kind: str) -> None:
    path = clip(tmp_path, kind)
    assert break_of(path, KINDS[kind][1]) is None
    if "mkv" in kind or kind == "webm":  # what follows a segment is no part of it
        path.write_bytes(path.read_bytes() + bytes(100)) if kind != "live.mkv" else None
        assert break_of(path, KINDS[kind][1]) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_breaks_at_its_end_or_its_last_element(tmp_path: Path, kind: str) -> None:
    path = clip(tmp_path, kind)
    data = path.read_bytes()
    size = len(data) * 2 // 3
    path.write_bytes(data[:size])
    place = break_of(path, KINDS[kind][1])
    assert place is not None and size // 3 < place <= size


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_byte_breaks_the_chain(tmp_path: Path, kind: str) -> None:
    path = clip(tmp_path, kind)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + data[middle + 1 :])
    assert break_of(path, KINDS[kind][1]) is not None


def in_a_block(data: bytearray) -> None:
    """The first picture's block becomes an element that no cluster has."""
    place = data.index(b"\xa3", data.index(b"\x1f\x43\xb6\x75"))
    data[place] = 0xA4


def in_a_tag(data: bytearray) -> None:
    """The first picture's tag becomes another kind."""
    place = 13
    while data[place] != 9:
        place += 11 + int.from_bytes(data[place + 1 : place + 4], "big") + 4
    data[place] = 0x07


@pytest.mark.parametrize(("kind", "harm"), [("mkv", in_a_block), ("webm", in_a_block), ("flv", in_a_tag)])
def test_a_bit_that_hides_a_picture_is_told(
    tmp_path: Path, kind: str, harm: Callable[[bytearray], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = clip(tmp_path, kind)
    data = bytearray(path.read_bytes())
    harm(data)
    path.write_bytes(data)
    with open_source(str(path)) as source:
        assert len(list(source)) < 30
    assert "its structure breaks at byte" in caplog.text


def test_of_others_nothing_is_known(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.ts", [numbered_image(1)])
    assert break_of(path, "mpegts") is None
    plain = make_video(tmp_path / "clip.mp4", [numbered_image(n) for n in range(9)])
    plain.write_bytes(plain.read_bytes() + b"what a camera adds")
    assert break_of(plain, "mov,mp4,m4a,3gp,3g2,mj2") is None  # it counts its pictures
