"""COCO's annotations: one JSON file with ``images``, ``annotations`` and ``categories``.

Source: the data format page of cocodataset.org. Boxes are left, top, width, height from 0.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from training.data.labels import DataError, read_text
from training.prepare.conversion import Picture
from training.prepare.identities import Identities, identities_of

PEOPLE = ("person", "pedestrian")  # names of the category, in any case


def coco_pictures(annotations: Path, images: Path, identities: Identities, *, people_only: bool) -> list[Picture]:
    """The images of an annotation file with their people; crowds become ignored regions.

    Args:
        images: folder that the file names are relative to.
        people_only: leave out images with neither a person nor a crowd.

    Raises:
        DataError: the file is missing or malformed, or has no category of people.
    """
    content = _read(annotations)
    try:
        names = {category["id"]: str(category["name"]) for category in content["categories"]}
        people_ids = {number for number, name in names.items() if name.lower() in PEOPLE}
        if not people_ids:
            raise DataError(
                f"{annotations}: no category {' or '.join(PEOPLE)}; there are {', '.join(names.values()) or 'none'}"
            )
        people: dict[Any, list[list[float]]] = defaultdict(list)
        crowds: dict[Any, list[list[float]]] = defaultdict(list)
        for box in content["annotations"]:
            if box["category_id"] in people_ids:
                group = crowds if box.get("iscrowd") or box.get("ignore") else people
                group[box["image_id"]].append([float(value) for value in box["bbox"]])
        pictures = []
        first = 0
        for entry in sorted(content["images"], key=lambda entry: str(entry["file_name"])):
            number, name = entry["id"], str(entry["file_name"])
            if people_only and number not in people and number not in crowds:
                continue
            pictures.append(
                Picture(
                    source=images / name,
                    name=name,
                    origin=f"{annotations}: image {number}",
                    people=_boxes(people[number]),
                    identities=identities_of(len(people[number]), identities, first),
                    ignored=_boxes(crowds[number]),
                    size=_size(entry),
                )
            )
            first += len(people[number])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{annotations}: not an annotation file of COCO ({error!r})") from error
    return pictures


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path, "expected COCO's annotations, such as instances_val2017.json"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: not an annotation file of COCO (a {type(content).__name__})")
    return content


def _boxes(boxes: list[list[float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(boxes, np.float64).reshape(len(boxes), 4)


def _size(entry: dict[str, Any]) -> tuple[int, int] | None:
    size = int(entry.get("width") or 0), int(entry.get("height") or 0)
    return size if all(size) else None
