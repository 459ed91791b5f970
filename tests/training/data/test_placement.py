from __future__ import annotations

import os
from pathlib import Path

from tests.training.prepare.snapshot import snapshot
from training.data.placement import place_image, place_text


def test_a_text_is_written_and_then_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new/a.txt"
    place_text(path, "één\n")
    os.utime(path, (1, 1))
    place_text(path, "één\n")
    assert path.stat().st_mtime == 1
    place_text(path, "two\n")
    assert path.read_text() == "two\n"
    assert path.stat().st_mtime > 1


def test_an_empty_text_is_a_file(tmp_path: Path) -> None:
    place_text(tmp_path / "a.txt", "")
    assert (tmp_path / "a.txt").read_bytes() == b""


def test_links_follow_images_that_moved(tmp_path: Path) -> None:
    first, second, link = tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "out/images/x.jpg"
    first.touch()
    second.touch()
    place_image(first, link)
    place_image(second, link)
    assert link.resolve() == second
    second.unlink()  # the link dangles now
    place_image(first, link)
    assert link.resolve() == first


def test_a_link_that_is_right_stays(tmp_path: Path) -> None:
    image, link = tmp_path / "a.jpg", tmp_path / "out/x.jpg"
    image.touch()
    place_image(image, link)
    before = snapshot(tmp_path / "out")
    place_image(image, link)
    assert snapshot(tmp_path / "out") == before == {"x.jpg": (b"../a.jpg", before["x.jpg"][1])}


def test_an_image_that_stands_there_itself_stays(tmp_path: Path) -> None:
    image, there = tmp_path / "a.jpg", tmp_path / "out/x.jpg"
    image.touch()
    there.parent.mkdir()
    there.write_text("unpacked")
    place_image(image, there)
    assert not there.is_symlink()
