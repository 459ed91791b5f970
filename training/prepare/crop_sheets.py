"""Re-identification crops as training images: sheets of many people side by side, for the embedding alone.

Nobody stands like that in a street, so every crop is a region without loss that has an identity (see
:class:`training.data.targets.Targets`): the detector learns nothing from it.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mot.files import whole_file
from training.data.augment import Image
from training.data.labels import IGNORE, DataError, label_path, write_labels
from training.data.pictures import read_picture
from training.prepare.images import images_in

COLUMNS, ROWS = 10, 3
WIDTH, HEIGHT = 64, 128  # of a crop, pixels
SEED = 317
QUALITY = 95  # of JPEG


def write_sheets(source: Path, out: Path) -> list[Path]:
    """Arrange ``source/IDENTITY/*.jpg`` on sheets below ``out``; returns their images.

    Which crop goes where is the same in every run. Sheets that are there already stay.

    Raises:
        DataError: there are no crops, or one is no readable image.
    """
    folders = sorted(path for path in source.iterdir() if path.is_dir()) if source.is_dir() else []
    if not folders:
        raise DataError(f"{source}: no folders of crops, one for each identity")
    crops = [(number, path) for number, folder in enumerate(folders) for path in images_in(folder)]
    order = np.random.default_rng(SEED).permutation(len(crops))
    sheets = []
    for first in range(0, len(order), COLUMNS * ROWS):
        sheet = out / "images" / f"{first // (COLUMNS * ROWS):04d}.jpg"
        part = [crops[i] for i in order[first : first + COLUMNS * ROWS]]
        if not sheet.exists():
            _write(sheet, _sheet([path for _, path in part]))
        write_labels(label_path(sheet), _labels([number for number, _ in part]))
        sheets.append(sheet)
    return sheets


def _sheet(paths: list[Path]) -> Image:
    sheet = np.full((ROWS * HEIGHT, COLUMNS * WIDTH, 3), 127, np.uint8)
    for i, path in enumerate(paths):
        crop = read_picture(path)[..., ::-1]
        y, x = i // COLUMNS * HEIGHT, i % COLUMNS * WIDTH
        sheet[y : y + HEIGHT, x : x + WIDTH] = cv2.resize(crop, (WIDTH, HEIGHT))
    return sheet


def _labels(identities: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    places = np.arange(len(identities))
    size = np.array([1 / COLUMNS, 1 / ROWS])
    centre = (np.stack([places % COLUMNS, places // COLUMNS], axis=1) + 0.5) * size
    rows = [np.full(len(places), IGNORE), identities, *centre.T, *np.tile(size, (len(places), 1)).T]
    return np.stack(rows, axis=1).astype(np.float32)


def _write(path: Path, image: Image) -> None:
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert encoded
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_bytes(data.tobytes())
