"""COCO's annotations: one JSON file with ``images``, ``annotations`` and ``categories``.

Source: the data format page of cocodataset.org. Boxes are left, top, width, height from 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask

from mot.documents import parse_json
from mot.errors import shortened
from training.data.configuration import Split
from training.data.labels import DataError, read_text
from training.prepare.conversion import Picture, Reading
from training.prepare.identities import Identities, identities_of

PEOPLE = ("person", "pedestrian")  # names of the category, in any case
Boxes = dict[str, list[list[float]]]  # by image


def read_coco(annotations: Path, images: Path, split: Split, identities: Identities, *, people_only: bool) -> Reading:
    """The images of an annotation file with their people; crowds become ignored regions.

    Ids may be numbers or text: 1, 1.0 and "1" are the same.

    Args:
        images: folder that the file names are relative to.
        people_only: leave out images with neither a person nor a crowd.

    Raises:
        DataError: the file is missing or malformed, or has no category of people; the message names the annotation.
    """
    content = _read(annotations)
    try:
        names = {_id(category["id"]): str(category["name"]) for category in content["categories"]}
        people_ids = {number for number, name in names.items() if name.strip().lower() in PEOPLE}
        if not people_ids:
            there = shortened(", ".join(names.values())) or "none"
            raise DataError(f"{annotations}: no category {' or '.join(PEOPLE)}; there are {there}")
        listed = _images(annotations, content["images"])
        people, crowds, left_out = _boxes(annotations, content["annotations"], names, people_ids, listed.keys())
        pictures = []
        first = 0
        for number, (name, size) in sorted(listed.items(), key=lambda item: item[1][0]):
            if people_only and number not in people and number not in crowds:
                continue
            pictures.append(
                Picture(
                    source=images / name,
                    name=name,
                    origin=f"{annotations}: image {number}",
                    people=_array(people[number]),
                    identities=identities_of(len(people[number]), identities, first),
                    ignored=_array(crowds[number]),
                    size=size,
                )
            )
            first += len(people[number])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{annotations}: not an annotation file of COCO ({error!r})") from error
    return Reading(origin=annotations, splits={split: pictures}, left_out=left_out)


def _images(path: Path, entries: list[dict[str, Any]]) -> dict[str, tuple[str, tuple[int, int] | None]]:
    """File name, with / between folders, and claimed (width, height) of each image, by id.

    Raises:
        DataError: an entry is malformed, or its id is another's, too.
    """
    listed: dict[str, tuple[str, tuple[int, int] | None]] = {}
    for place, entry in enumerate(entries, 1):
        where = f"{path}: image {entry.get('id')}" if isinstance(entry, dict) else f"{path}: image {place} of the list"
        try:
            number, name = _id(entry["id"]), entry["file_name"]
            if not isinstance(name, str):
                raise ValueError(f"file_name is {name!r}")
            found = name.replace("\\", "/"), _size(entry)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{where}: not an image of COCO ({error!r})") from error
        if number in listed:
            raise DataError(f"{where}: this id is that of {listed[number][0]}, too; give each image its own")
        listed[number] = found
    return listed


def _id(value: object) -> str:
    """An id as text; pandas writes whole numbers with a fraction where some are missing."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _boxes(
    path: Path, annotations: list[dict[str, Any]], names: dict[str, str], people_ids: set[str], listed: Collection[str]
) -> tuple[Boxes, Boxes, Counter[str]]:
    """People and crowds by image, and the annotations left out, by reason."""
    people: Boxes = defaultdict(list)
    crowds: Boxes = defaultdict(list)
    left_out: Counter[str] = Counter()
    for place, annotation in enumerate(annotations, 1):
        if not isinstance(annotation, dict):
            raise DataError(f"{path}: annotation {place} of the list: is {annotation!r:.40}, not an object")
        where = f"{path}: annotation {annotation.get('id', f'{place} of the list')}"
        try:
            category, image = _id(annotation["category_id"]), _id(annotation["image_id"])
        except KeyError as error:
            raise DataError(f"{where}: has no {error}") from error
        if category not in people_ids:
            left_out[f"category {names[category]}" if category in names else f"unknown category {category}"] += 1
        elif image not in listed:
            left_out[f"of images that are not listed (such as {image})"] += 1
        elif (box := _box(annotation, where)) is None:
            left_out["without a box"] += 1
        else:
            crowd = is_true(annotation.get("iscrowd")) or is_true(annotation.get("ignore"))
            (crowds if crowd else people)[image].append(box)
    return people, crowds, left_out


def _box(annotation: dict[str, Any], where: str) -> list[float] | None:
    """Left, top, width, height: as given, else around the segmentation; None where there is neither.

    Raises:
        DataError: it is neither.
    """
    given = annotation.get("bbox")
    try:
        outline = annotation.get("segmentation")
        if given:
            left, top, width, height = (float(value) for value in given)
            if width or height or not outline:
                return [left, top, width, height]
        if isinstance(outline, dict):
            size = height, width = [int(value) for value in outline["size"]]
            if min(size) < 1:  # pycocotools divides by it
                raise ValueError(f"a mask of {width}x{height} pixels")
            encoded = mask.frPyObjects(outline, *size) if isinstance(outline["counts"], list) else outline
            return [float(value) for value in mask.toBbox(encoded)]
        points = np.array([value for polygon in outline or [] for value in polygon], np.float64).reshape(-1, 2)
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise DataError(f"{where}: no box in bbox {given!r} or the segmentation ({error})") from error
    if not len(points):
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def is_true(value: object) -> bool:
    """0, "0", false and null are not."""
    return bool(value) and str(value).strip().lower() not in ("0", "false")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(read_text(path, "expected COCO's annotations, such as instances_val2017.json"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: not an annotation file of COCO (a {type(content).__name__})")
    return content


def _array(boxes: list[list[float]]) -> npt.NDArray[np.float64]:
    return np.array(boxes, np.float64).reshape(len(boxes), 4)


def _size(entry: dict[str, Any]) -> tuple[int, int] | None:
    size = int(entry.get("width") or 0), int(entry.get("height") or 0)
    return size if all(size) else None
