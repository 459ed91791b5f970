"""Pascal VOC's annotations: an XML file an image.

Source: the VOC2012 development kit: ``Annotations/*.xml``, ``JPEGImages``, ``ImageSets/Main/NAME.txt``; pixels
are counted from 1, and the last one belongs to the box.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from training.data.labels import DataError, read_text
from training.prepare.coco import PEOPLE
from training.prepare.conversion import Picture
from training.prepare.identities import Identities, identities_of


def voc_pictures(source: Path, image_set: str | None, identities: Identities) -> list[Picture]:
    """The images of ``source`` with their people; "difficult" ones become ignored regions, as VOC scores them.

    Args:
        image_set: such as "trainval": the names in ``ImageSets/Main/trainval.txt``; None: all annotations.

    Raises:
        DataError: a file is missing or malformed.
    """
    folder = source / "Annotations"
    if image_set is None:
        annotations = sorted(folder.glob("*.xml"))
        if not annotations:
            raise DataError(f"{folder}: no annotations (*.xml)")
    else:
        text = read_text(source / "ImageSets" / "Main" / f"{image_set}.txt", "--image-set names it")
        annotations = sorted(folder / f"{line.split()[0]}.xml" for line in text.splitlines() if line.strip())
    pictures = []
    first = 0
    for path in annotations:
        pictures.append(_picture(path, source / "JPEGImages", identities, first))
        first += len(pictures[-1].people)
    return pictures


def _picture(path: Path, images: Path, identities: Identities, first: int) -> Picture:
    try:
        root = ElementTree.fromstring(read_text(path, "every image needs its annotation"))
    except ElementTree.ParseError as error:
        raise DataError(f"{path}:{error.position[0]}: not XML: {error}") from error
    people: list[list[float]] = []
    ignored: list[list[float]] = []
    for index, entry in enumerate(root.iterfind("object"), 1):
        if entry.findtext("name", "").strip().lower() in PEOPLE:
            try:
                left, top, right, bottom = (
                    float(entry.findtext(f"bndbox/{side}", "missing")) for side in ("xmin", "ymin", "xmax", "ymax")
                )
            except ValueError as error:
                raise DataError(f"{path}: object {index}: bndbox is malformed: {error}") from error
            box = [left - 1, top - 1, right - left + 1, bottom - top + 1]
            (ignored if entry.findtext("difficult", "0").strip() == "1" else people).append(box)
    name = Path(root.findtext("filename", "").strip()).name or f"{path.stem}.jpg"
    return Picture(
        source=images / name,
        name=name,
        origin=str(path),
        people=np.array(people, np.float64).reshape(len(people), 4),
        identities=identities_of(len(people), identities, first),
        ignored=np.array(ignored, np.float64).reshape(len(ignored), 4),
        size=None,
    )
