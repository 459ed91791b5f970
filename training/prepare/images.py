"""Image files: which there are, and how large they are."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from training.data.labels import DataError

# What both OpenCV and Pillow, which reads the headers, know of.
IMAGE_SUFFIXES = (".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
_ORIENTATION = 0x0112  # EXIF's tag; from 5 on, rows and columns are exchanged


def images_in(folder: Path) -> list[Path]:
    """The image files of a folder, by name; not hidden ones, such as macOS's ``._a.jpg``.

    Raises:
        DataError: there is no such folder or no image in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected images in it")
    images = sorted(path for path in folder.iterdir() if is_image(path))
    if not images:
        raise DataError(f"{folder}: no images ({', '.join(IMAGE_SUFFIXES)})")
    return images


def is_image(path: Path) -> bool:
    """Whether a file is named as an image that can be seen."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def images_below(folder: Path) -> Iterator[Path]:
    """The image files of a folder and of all below it, by path; links to folders are followed, each but once.

    Not those in hidden folders, such as a file manager's ``.thumbnails`` or ``.Trash-1000``.
    """
    seen = set()
    found = []
    for place, folders, files in os.walk(folder, followlinks=True):
        if (real := Path(place).resolve()) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [path for path in (Path(place, name) for name in files) if is_image(path)]
    yield from sorted(found)


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of an image file as OpenCV shows it, that is, turned as its EXIF data says.

    Only the header is read: decoding every image for its size would take a hundred times as long.

    Raises:
        DataError: it is missing, no image, or too large to be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large, but still decoded
            with Image.open(path) as image:
                turned = "exif" in image.info and image.getexif().get(_ORIENTATION, 1) >= 5
                return (image.height, image.width) if turned else (image.width, image.height)
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        raise DataError(f"{path}: has more than {most:.0f} megapixels; make it smaller or leave it out") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: missing or no readable image") from error
