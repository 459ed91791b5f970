"""The MIX of JDE and FairMOT: data sets that are published with ``labels_with_ids`` beside ``images``.

Source: JDE ``DATASET_ZOO.md`` and ``data/*.train`` (layout and list files); FairMOT ``src/data`` (counts).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mot.files import lines_of
from training.data.configuration import SPLITS, Split
from training.data.labels import DataError, label_path, read_labels, read_text
from training.prepare.conversion import Converted, Reading, claim, enter, place, require_people, summed
from training.prepare.images import image_size, images_below
from training.prepare.pool import map_parallel


@dataclass(frozen=True, kw_only=True)
class Published:
    """A data set of the MIX."""

    folders: tuple[str, ...]  # names it goes by
    images: int  # in FairMOT's training list


PUBLISHED = {
    "caltech": Published(folders=("Caltech",), images=26915),
    "citypersons": Published(folders=("Citypersons", "CityPersons", "Cityscapes"), images=2500),
    "cuhksysu": Published(folders=("CUHKSYSU", "CUHK-SYSU"), images=11206),
    "eth": Published(folders=("ETHZ", "ETH"), images=2056),
    "mot16": Published(folders=("MOT16",), images=5316),
    "mot17": Published(folders=("MOT17",), images=5316),
    "prw": Published(folders=("PRW",), images=5701),
}
MIX = tuple(name for name in PUBLISHED if name != "mot16")  # MOT16 has the same images as MOT17


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a data set's folder holds."""

    folder: Path
    images: dict[Split, dict[str, Path]]  # with labels; keys are their names below our ``images/``
    unlabelled: int  # images without a label file, left out


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A data set of the MIX that was asked for, and what became of it."""

    name: str
    expected: int  # images in FairMOT's training list
    found: Found | None  # None: it has no folder
    converted: dict[Split, Converted]  # empty where nothing was found


def prepare_mix(
    source: Path, root: Path, names: Sequence[str] | None, lists: Path | None, *, overwrite: bool = False
) -> list[Adopted]:
    """Find and convert data sets of the MIX, all but MOT16 unless named.

    Raises:
        DataError: as :func:`find_mix` and :func:`convert_mix`, there is no such data set, or none has a folder.
    """
    for name in names or ():
        if name not in PUBLISHED:
            raise DataError(f"--set {name}: not a data set of the MIX; there are {', '.join(PUBLISHED)}")
    adopted = []
    for name in names or MIX:
        found = find_mix(source, name, lists)
        converted = {} if found is None else convert_mix(root, name, found, overwrite=overwrite)
        adopted.append(Adopted(name=name, expected=PUBLISHED[name].images, found=found, converted=converted))
    if all(each.found is None for each in adopted):
        folders = ", ".join(folder for each in adopted for folder in PUBLISHED[each.name].folders)
        raise DataError(f"{source}: nothing of the MIX in it; looked for the folders {folders}")
    return adopted


def find_mix(source: Path, name: str, lists: Path | None) -> Found | None:
    """The images of a data set of the MIX; None where it has no folder in ``source``.

    Args:
        lists: folder of the original's list files (``NAME.train``, ``caltech.all``), where they should choose;
            else every labelled image counts, and folders ``val`` and ``test`` are the test split.

    Raises:
        DataError: a list file is missing, or an image that it names.
    """
    folder = next((path for path in (source / name for name in PUBLISHED[name].folders) if path.is_dir()), None)
    if folder is None:
        return None
    images: dict[Split, dict[str, Path]] = {split: {} for split in SPLITS}
    unlabelled = 0
    for image, split in _listed(source, name, lists) if lists else _below(folder):
        if label_path(image).is_file():
            images[split][_name(image.relative_to(source))] = image
        else:
            unlabelled += 1
    return Found(folder=folder, images=images, unlabelled=unlabelled)


def convert_mix(root: Path, name: str, found: Found, *, overwrite: bool = False) -> dict[Split, Converted]:
    """Check labels, link images and copy labels into ``root/name/SPLIT``, and enter it into ``root/data.json``.

    Raises:
        DataError: an image cannot be read, a line of a label file is malformed, nobody was found, or the place is
            taken (see :func:`training.prepare.conversion.claim`).
    """
    splits = [split for split in SPLITS if found.images[split]]
    for split in splits:
        claim(root, name, split, found.folder, overwrite=overwrite)
    converted: dict[Split, Converted] = {}
    for split, images in found.images.items():
        out = root / name / split
        counts = map_parallel(partial(_adopt, out), list(images.items()), f"{name}, {split}")
        converted[split] = summed([out / "images" / image for image in images], counts)
    unlabelled = {"images without a label file": found.unlabelled} if found.unlabelled else {}
    require_people(converted, Reading(origin=found.folder, splits={}, left_out=unlabelled))
    return enter(root, name, converted)


def _below(folder: Path) -> Iterator[tuple[Path, Split]]:
    for path in images_below(folder):
        parts = path.relative_to(folder).parts
        if "images" in parts:
            yield path, "test" if {"val", "test"} & set(parts) else "train"


def _listed(source: Path, name: str, lists: Path) -> Iterator[tuple[Path, Split]]:
    listing = next((path for path in (lists / f"{name}.all", lists / f"{name}.train") if path.is_file()), None)
    if listing is None:
        raise DataError(f"{lists}: no {name}.all or {name}.train in it; FairMOT has them in src/data")
    for number, line in enumerate(lines_of(read_text(listing, "it names the images")), 1):
        if line.strip():
            image = source / line.strip()
            if not image.is_relative_to(source) or not image.is_file():
                raise DataError(f"{listing}:{number}: no image {image} below {source}; is the archive unpacked whole?")
            yield image, "train"


def _name(image: Path) -> str:
    """Without the data set's folder and its ``images``: ``ETHZ/eth01/images/a.png`` -> ``eth01/a.png``."""
    parts = list(image.parts[1:])
    del parts[len(parts) - 1 - parts[::-1].index("images")]
    return "/".join(parts)


def _adopt(out: Path, item: tuple[str, Path]) -> Counter[str]:
    name, image = item
    image_size(image)
    return place(out, name, image, read_labels(label_path(image)).astype(np.float64))
