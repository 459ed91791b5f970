"""A contact sheet: some images of all data sets with their boxes, to be looked at."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mot.files import whole_file
from training.data.augment import Image
from training.data.labels import IGNORE, DataError
from training.prepare.check import Inspection, SetReport

COUNT, COLUMNS = 24, 4
WIDTH, HEIGHT, CAPTION = 480, 270, 20  # of a tile, pixels; the caption stands below
GREY, WHITE = (128, 128, 128), (255, 255, 255)
Colour = tuple[int, int, int]  # BGR


def write_sheet(path: Path, reports: Sequence[SetReport]) -> None:
    """Write at most 24 images, from every data set if they suffice, evenly chosen within each.

    A person's colour is the identity's, white where unknown; ignored regions are grey and crossed out.

    Raises:
        DataError: the file cannot be written.
    """
    tiles = []
    shares = share([len(report.inspections) for report in reports], COUNT)
    for report, count in zip(reports, shares, strict=True):
        images = report.inspections
        for i in range(count):
            # The middles of equal parts.
            tiles.append(draw_tile(f"{report.name} {report.split}", images[(2 * i + 1) * len(images) // (2 * count)]))
    empty = np.zeros((HEIGHT + CAPTION, WIDTH, 3), np.uint8)
    tiles += [empty] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    _, data = cv2.imencode(".png", np.vstack(rows))
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(data.tobytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


def share(sizes: Sequence[int], total: int) -> list[int]:
    """How many of ``total`` images each set of these sizes gets: one, then in proportion (D'Hondt)."""
    shares = [0] * len(sizes)
    for _ in range(min(total, sum(sizes))):
        open_sets = [i for i, size in enumerate(sizes) if shares[i] < size]
        best = max(open_sets, key=lambda i: (shares[i] == 0, sizes[i] / (shares[i] + 1)))
        shares[best] += 1
    return shares


def draw_tile(title: str, inspection: Inspection) -> Image:
    """(HEIGHT + CAPTION, WIDTH, 3) BGR: an image with its boxes, whole, above its title and name."""
    tile = np.zeros((HEIGHT + CAPTION, WIDTH, 3), np.uint8)
    source = cv2.imread(str(inspection.image))
    if source is None:
        cv2.putText(tile, "no readable image", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, WHITE, 1, cv2.LINE_AA)
    else:
        ratio = min(WIDTH / source.shape[1], HEIGHT / source.shape[0])
        width, height = max(1, round(source.shape[1] * ratio)), max(1, round(source.shape[0] * ratio))
        picture = cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA)
        for label_class, identity, xc, yc, w, h in inspection.labels.tolist():
            start = round((xc - w / 2) * width), round((yc - h / 2) * height)
            end = round((xc + w / 2) * width), round((yc + h / 2) * height)
            if label_class == IGNORE:
                cv2.rectangle(picture, start, end, GREY, 1)
                cv2.line(picture, start, end, GREY, 1, cv2.LINE_AA)
            else:
                cv2.rectangle(picture, start, end, colour(int(identity)), 1)
        left, top = (WIDTH - width) // 2, (HEIGHT - height) // 2
        tile[top : top + height, left : left + width] = picture
    text = f"{title}: {inspection.image.name}, {len(inspection.labels)} boxes"
    text = text.encode("ascii", "replace").decode()  # OpenCV's fonts have no other letters
    cv2.putText(tile, text, (4, HEIGHT + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, WHITE, 1, cv2.LINE_AA)
    return tile


def colour(identity: int) -> Colour:
    """Neighbouring identities get hues far apart (steps of the golden ratio)."""
    if identity < 0:
        return WHITE
    red, green, blue = colorsys.hsv_to_rgb(identity * 0.618034 % 1, 0.85, 1.0)
    return round(255 * blue), round(255 * green), round(255 * red)
