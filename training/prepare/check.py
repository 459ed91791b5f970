"""Faults of prepared data sets, each with file and line, and what the sets hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from training.data.configuration import SPLITS, Configuration, Split, read_config, read_list
from training.data.labels import PERSON, DataError, Labels, label_path, parse_row, read_text
from training.prepare.images import image_size
from training.prepare.pool import BATCH, map_parallel

EDGES = (0, 16, 32, 64, 128, 256)  # of the histogram of people's heights, pixels; the last class is open
ROUNDING = 1e-6  # of six decimals


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong in a data set."""

    where: str  # FILE or FILE:LINE
    message: str
    error: bool = True  # else a warning: training goes on with it


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One image, looked at."""

    image: Path
    size: tuple[int, int] | None  # (width, height), None if it cannot be read
    labels: Labels  # the rows without a fault of their own
    faults: tuple[Fault, ...]


@dataclass(frozen=True, kw_only=True)
class SetReport:
    """A data set's split, looked at."""

    name: str
    split: Split
    inspections: list[Inspection]
    faults: list[Fault] = field(default_factory=list)  # beyond those of single images

    def all_faults(self) -> list[Fault]:
        """Every fault, those of single images first."""
        return [fault for inspection in self.inspections for fault in inspection.faults] + self.faults

    def identities(self) -> set[int]:
        """The ids in use."""
        rows = np.concatenate([np.empty((0, 6)), *(inspection.labels for inspection in self.inspections)])
        return {int(i) for i in np.unique(rows[(rows[:, 0] == PERSON) & (rows[:, 1] >= 0), 1])}

    def heights(self) -> list[int]:
        """How many people stand in each class of :data:`EDGES`."""
        heights = [
            inspection.labels[inspection.labels[:, 0] == PERSON, 5] * inspection.size[1]
            for inspection in self.inspections
            if inspection.size is not None
        ]
        counts, _ = np.histogram(np.concatenate([np.empty(0), *heights]), [*EDGES, np.inf])
        return [int(count) for count in counts]


def check_config(path: Path, *, decode: bool) -> list[SetReport]:
    """Look at every image and label file of a configuration, train and test.

    Args:
        decode: decode images whole; else only their headers are read, and a truncated file goes unnoticed.

    Raises:
        DataError: the configuration itself cannot be read or names no data set.
    """
    config = read_config(path)
    reports = [_check_set(config, name, split, decode) for split in SPLITS for name in config.lists[split]]
    if not reports:
        raise DataError(f"{path}: names no data set")
    for name in sorted({report.name for report in reports}):
        own = [report for report in reports if report.name == name]
        own[0].faults.extend(_gaps(config.lists[own[0].split][name], own))
    _find_leaks(config, reports)
    return reports


def inspect(image: Path, *, decode: bool) -> Inspection:
    """Look at one image and its label file."""
    faults: list[Fault] = []
    size = None
    try:
        size = image_size(image)
        if decode:
            _decode(image)
    except DataError as error:
        faults.append(Fault(where=str(image), message=str(error).removeprefix(f"{image}: ")))
    rows: list[list[float]] = []
    try:
        labels = label_path(image)
        text = read_text(labels, "an image without people needs an empty file")
    except DataError as error:
        faults.append(Fault(where=str(image), message=str(error)))
    else:
        seen: dict[float, int] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    rows.append(_checked_row(line, number, seen))
                except ValueError as error:
                    faults.append(Fault(where=f"{labels}:{number}", message=str(error)))
    return Inspection(image=image, size=size, labels=np.array(rows, np.float32).reshape(-1, 6), faults=tuple(faults))


def _checked_row(line: str, number: int, seen: dict[float, int]) -> list[float]:
    """A row of a label file; ``seen`` has the line of each id of the frame.

    Raises:
        ValueError: it is malformed, lies outside of the image, or its id is there already.
    """
    row = parse_row(line)
    label_class, identity, *box = row
    for centre, size in (box[::2], box[1::2]):
        if centre + size / 2 < -ROUNDING or centre - size / 2 > 1 + ROUNDING:
            raise ValueError(f"{line!r} lies outside of the image; are these pixels instead of fractions?")
    if label_class == PERSON and identity >= 0 and seen.setdefault(identity, number) != number:
        raise ValueError(f"id {identity:g} is already in this frame (line {seen[identity]})")
    return row


def _decode(path: Path) -> None:
    try:
        with Image.open(path) as image:
            # JPEG at an eighth of its size: every byte is read all the same, in half the time.
            image.draft("RGB", (image.width // 8, image.height // 8))
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: cannot be decoded: {error}") from error


def _check_set(config: Configuration, name: str, split: Split, decode: bool) -> SetReport:
    listing = config.lists[split][name]
    try:
        lines = read_list(config, name, listing)
    except DataError as error:
        fault = Fault(where=str(config.path), message=str(error))
        return SetReport(name=name, split=split, inspections=[], faults=[fault])
    first = {image: number for number, image in reversed(lines.items())}
    faults = [
        Fault(where=f"{listing}:{number}", message=f"{image} is already in line {first[image]}", error=False)
        for number, image in lines.items()
        if first[image] != number
    ]
    if not lines:
        faults.append(Fault(where=str(listing), message="names no image"))
    batch = 32 if decode else BATCH
    inspections = map_parallel(partial(inspect, decode=decode), list(lines.values()), f"{name}, {split}", batch)
    return SetReport(name=name, split=split, inspections=inspections, faults=faults)


def _gaps(listing: Path, reports: Sequence[SetReport]) -> list[Fault]:
    """Unused ids of a data set, over its splits; training renumbers ids, but a gap may tell of lost labels."""
    ids = set().union(*(report.identities() for report in reports))
    unused = sorted(set(range(min(ids), max(ids))) - ids) if ids else []
    if not unused:
        return []
    message = f"ids {min(ids)} to {max(ids)}: {len(unused)} are unused, the first is {unused[0]}"
    return [Fault(where=str(listing), message=message, error=False)]


def _find_leaks(config: Configuration, reports: Sequence[SetReport]) -> None:
    """Warn of images that are trained and tested on, under whatever name."""
    images = {
        split: {i.image.resolve(): r for r in reports if r.split == split for i in r.inspections} for split in SPLITS
    }
    shared = sorted(images["train"].keys() & images["test"].keys())
    if shared:
        message = f"{len(shared)} images are in train and in test, the first is {shared[0]}"
        images["test"][shared[0]].faults.append(Fault(where=str(config.path), message=message, error=False))
