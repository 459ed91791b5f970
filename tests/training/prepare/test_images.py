from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.media import numbered_image, write_image
from training.data.labels import DataError
from training.prepare.images import image_size, images_below, images_in


def test_images_are_found_by_suffix_in_order(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.jpeg", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in images_in(tmp_path)] == ["a.png", "b.JPG", "c.jpeg"]


def test_folders_without_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone: no such folder"):
        images_in(tmp_path / "gone")
    with pytest.raises(DataError, match="no images"):
        images_in(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_size_of_an_image(tmp_path: Path, suffix: str) -> None:
    assert image_size(write_image(tmp_path / f"a{suffix}", numbered_image(3, 100, 80))) == (100, 80)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_image_has_the_size_that_opencv_gives_it(tmp_path: Path, orientation: int, suffix: str) -> None:
    """Training decodes with OpenCV, which obeys EXIF; boxes must be fractions of the same picture."""
    path = tmp_path / f"a{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (60, 40)).save(path, exif=exif)
    decoded = cv2.imread(str(path))
    assert decoded is not None
    assert image_size(path) == decoded.shape[1::-1]


def test_what_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no image")
    (tmp_path / "empty.png").touch()
    for name in ("a.jpg", "empty.png", "gone.jpg"):
        with pytest.raises(DataError, match=rf"{name}: missing or no readable image"):
            image_size(tmp_path / name)


def test_only_the_header_is_read(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.jpg", np.random.default_rng(0).integers(0, 255, (400, 300, 3)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:2000])
    assert image_size(path) == (300, 400)


def test_hidden_folders_and_files_are_nobody_s(tmp_path: Path) -> None:
    """motioneye issue 89: .AppleDouble; file managers' .thumbnails and .Trash-1000 likewise."""
    for name in ("a/1.jpg", "a/._1.jpg", "a/.AppleDouble/1.jpg", ".Trash-1000/files/2.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(images_below(tmp_path)) == [tmp_path / "a/1.jpg"]
