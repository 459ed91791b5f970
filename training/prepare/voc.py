"""Pascal VOC's annotations: an XML file an image.

Source: the VOC2012 development kit: ``Annotations/*.xml``, ``JPEGImages``, ``ImageSets/Main/NAME.txt``; pixels
are counted from 1, and the last one belongs to the box.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from mot.files import lines_of
from training.data.configuration import Split
from training.data.labels import DataError, read_text
from training.prepare.coco import PEOPLE, is_true
from training.prepare.conversion import Picture, Reading
from training.prepare.identities import Identities, identities_of
from training.prepare.images import images_in

_DECLARED = re.compile(rb'^\s*<\?xml[^>]*?encoding\s*=\s*["\']([A-Za-z0-9._-]+)["\'][^>]*\?>')


def read_voc(source: Path, image_set: str | None, split: Split, identities: Identities) -> Reading:
    """The images of ``source`` with their people; "difficult" ones become ignored regions, as VOC scores them.

    Args:
        image_set: such as "trainval": the names in ``ImageSets/Main/trainval.txt``; None: all annotations.

    Raises:
        DataError: a file is missing or malformed.
    """
    folder = source / "Annotations"
    if image_set is None:
        annotations = sorted(path for path in folder.glob("*") if _is_annotation(path))
        if not annotations:
            raise DataError(f"{folder}: no annotations (*.xml)")
        below = sorted(path for path in folder.glob("*/**/*") if _is_annotation(path))
        if below:
            raise DataError(
                f"{below[0]}: lies in a folder below {folder}; put all annotations into that, or convert "
                "each folder as a data set of its own"
            )
    else:
        text = read_text(source / "ImageSets" / "Main" / f"{image_set}.txt", "--image-set names it")
        annotations = sorted(folder / f"{line.split()[0]}.xml" for line in lines_of(text) if line.strip())
    listed = images_in(source / "JPEGImages")
    # By name, and by name without suffix: of several the first.
    images = {path.stem: path for path in reversed(listed)} | {path.name: path for path in listed}
    left_out: Counter[str] = Counter()
    pictures = []
    first = 0
    for path in annotations:
        pictures.append(_picture(path, source / "JPEGImages", images, identities, first, left_out))
        first += len(pictures[-1].people)
    return Reading(origin=source, splits={split: pictures}, left_out=left_out)


def _picture(
    path: Path, folder: Path, images: dict[str, Path], identities: Identities, first: int, left_out: Counter[str]
) -> Picture:
    root = _parse(path)
    people: list[list[float]] = []
    ignored: list[list[float]] = []
    for index, entry in enumerate(root.iterfind("object"), 1):
        name = entry.findtext("name", "").strip()
        if name.lower() not in PEOPLE:
            left_out[f"class {name or 'without a name'}"] += 1
            continue
        try:
            left, top, right, bottom = (
                float(entry.findtext(f"bndbox/{side}", "missing")) for side in ("xmin", "ymin", "xmax", "ymax")
            )
        except ValueError as error:
            raise DataError(f"{path}: object {index}: bndbox is malformed: {error}") from error
        box = [left - 1, top - 1, right - left + 1, bottom - top + 1]
        (ignored if is_true(entry.findtext("difficult")) else people).append(box)
    image = _image(path, root.findtext("filename", "").strip(), folder, images)
    return Picture(
        source=image,
        name=image.name,
        origin=str(path),
        people=_array(people),
        identities=identities_of(len(people), identities, first),
        ignored=_array(ignored),
        size=_size(path, root),
    )


def _image(path: Path, written: str, folder: Path, images: dict[str, Path]) -> Path:
    """The image that an annotation is of: the one it names, with or without suffix, else the one of its own name."""
    name = PureWindowsPath(written).name  # takes / and \\
    for known in (name, PureWindowsPath(name).stem, path.stem):
        if known in images:
            return images[known]
    raise DataError(f"{folder / (name or path.stem)}: no such image; {path} names it")


def _size(path: Path, root: ElementTree.Element) -> tuple[int, int] | None:
    """What the annotation claims; None where a side is missing or 0."""
    sides = [root.findtext(f"size/{side}", "0").strip() or "0" for side in ("width", "height")]
    try:
        width, height = (int(float(side)) for side in sides)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{path}: size {sides} is no size: {error}") from error
    return (width, height) if width and height else None


def _parse(path: Path) -> ElementTree.Element:
    """The XML, in the encoding that it declares (UTF-8 if none).

    Raises:
        DataError: it cannot be read or is no XML.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; every image needs its annotation") from error
    declared = _DECLARED.match(data)
    try:
        try:
            return ElementTree.fromstring(data)
        except ValueError:  # an encoding of several bytes a letter, such as GBK, which Python's parser does not know
            encoding = declared[1].decode("ascii") if declared else "utf-8"
            return ElementTree.fromstring(data[declared.end() if declared else 0 :].decode(encoding))
    except ElementTree.ParseError as error:
        hint = "" if declared or _is_utf8(data) else "; declare its encoding, or save it as UTF-8"
        raise DataError(f"{path}:{error.position[0]}: not XML: {error}{hint}") from error
    except (LookupError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not in the encoding that it declares: {error}") from error


def _is_annotation(path: Path) -> bool:
    return path.suffix.lower() == ".xml" and not path.name.startswith(".")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _array(boxes: list[list[float]]) -> npt.NDArray[np.float64]:
    return np.array(boxes, np.float64).reshape(len(boxes), 4)
