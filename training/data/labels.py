"""JDE's label files and data configurations.

A label file stands beside its image (``images`` -> ``labels_with_ids``, suffix ``.txt``) and has a row
``class id xc yc w h`` per person: centre and size as fractions of the image, id -1 where unknown.
Class 0 is a pedestrian; class -1 is ours: a region that training neither rewards nor punishes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mot.errors import MotError

PERSON, IGNORE = 0, -1


class DataError(MotError):
    """A data set's file is missing or malformed; the message gives file, line and remedy."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One training image."""

    image: Path
    labels: npt.NDArray[np.float32]  # (M, 6): class, identity over all data sets or -1, xc, yc, w, h (fractions)


@dataclass(frozen=True, kw_only=True)
class SampleSet:
    """All training images of a configuration."""

    samples: list[Sample]
    identities: int  # ids in use are 0 .. identities - 1


def label_path(image: Path) -> Path:
    """Where the labels of an image stand; the last path part named ``images`` counts."""
    parts = list(image.parts)
    if "images" not in parts:
        raise DataError(f"{image}: no folder named 'images' in the path, so its labels cannot be found")
    last = len(parts) - 1 - parts[::-1].index("images")
    parts[last] = "labels_with_ids"
    return Path(*parts).with_suffix(".txt")


def read_labels(path: Path) -> npt.NDArray[np.float32]:
    """(M, 6) rows of a label file; an empty file is an image without people."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = [float(value) for value in line.split()]
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from error
        if len(row) != 6 or not np.isfinite(row).all() or row[4] <= 0 or row[5] <= 0:
            raise DataError(f"{path}:{number}: {line!r} is not 'class id xc yc w h' with a positive size")
        rows.append(row)
    return np.array(rows, np.float32).reshape(-1, 6)


def write_labels(path: Path, rows: npt.NDArray[np.float32]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{int(r[0])} {int(r[1])} {r[2]:.6f} {r[3]:.6f} {r[4]:.6f} {r[5]:.6f}\n" for r in rows))


def load_samples(config: Path) -> SampleSet:
    """Read the original's ``data.json``: ``{"root": ..., "train": {name: list file}}``.

    List files hold image paths relative to the root, and are themselves relative to the configuration.
    Ids are per data set; they are renumbered so that no two data sets share one and none is unused.

    Raises:
        DataError: a file is missing or malformed.
    """
    try:
        content = json.loads(config.read_text())
        root, lists = Path(content["root"]), content["train"]
    except FileNotFoundError as error:
        raise DataError(f"{config}: no such data configuration; make one with mot-train data") from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{config}: not a data configuration with 'root' and 'train': {error!r}") from error
    root = config.parent / root
    samples: list[Sample] = []
    identities = 0
    for name, list_file in sorted(lists.items()):
        listing = config.parent / list_file
        if not listing.is_file():
            raise DataError(f"{config}: data set {name!r} names {listing}, which does not exist")
        images = [root / line.strip() for line in listing.read_text().splitlines() if line.strip()]
        labels = [read_labels(label_path(image)) for image in images]
        known = sorted({int(i) for rows in labels for i in rows[rows[:, 0] == PERSON, 1] if i >= 0})
        number = {own: identities + i for i, own in enumerate(known)}
        identities += len(known)
        for image, rows in zip(images, labels, strict=True):
            rows[:, 1] = [number.get(int(i), -1) for i in rows[:, 1]]
            samples.append(Sample(image=image, labels=rows))
    if not samples:
        raise DataError(f"{config}: no training images")
    return SampleSet(samples=samples, identities=identities)
