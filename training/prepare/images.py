"""Image files: which there are, and how large they are."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from training.data.labels import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
_ORIENTATION = 0x0112  # EXIF's tag; from 5 on, rows and columns are exchanged


def images_in(folder: Path) -> list[Path]:
    """The image files of a folder, by name.

    Raises:
        DataError: there is no such folder or no image in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected images in it")
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise DataError(f"{folder}: no images ({', '.join(IMAGE_SUFFIXES)})")
    return images


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of an image file as OpenCV shows it, that is, turned as its EXIF data says.

    Only the header is read: decoding every image for its size would take a hundred times as long.

    Raises:
        DataError: it is missing or no image.
    """
    try:
        with Image.open(path) as image:
            turned = "exif" in image.info and image.getexif().get(_ORIENTATION, 1) >= 5
            return (image.height, image.width) if turned else (image.width, image.height)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: missing or no readable image") from error
