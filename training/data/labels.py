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
from mot.files import whole_file

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
    """(M, 6) rows of a label file; an empty file is an image without people.

    Raises:
        DataError: the file is missing or a line is malformed.
    """
    rows = []
    for number, line in enumerate(_read_text(path, "an image without people needs an empty file").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = [float(value) for value in line.split()]
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}; expected 'class id xc yc w h'") from error
        if len(row) != 6 or not np.isfinite(row).all() or row[4] <= 0 or row[5] <= 0:
            raise DataError(f"{path}:{number}: {line!r} is not 'class id xc yc w h' with a positive size")
        if row[0] not in (PERSON, IGNORE):
            raise DataError(
                f"{path}:{number}: class {row[0]:g}; only {PERSON} (person) and {IGNORE} (ignored) are known"
            )
        rows.append(row)
    return np.array(rows, np.float32).reshape(-1, 6)


def write_labels(path: Path, rows: npt.NDArray[np.float32]) -> None:
    """Write (M, 6) rows; the file appears whole or not at all."""
    text = "".join(f"{int(r[0])} {int(r[1])} {r[2]:.6f} {r[3]:.6f} {r[4]:.6f} {r[5]:.6f}\n" for r in rows)
    with whole_file(path) as temporary:
        temporary.write_text(text)


def load_samples(config: Path) -> SampleSet:
    """Read the original's ``data.json``: ``{"root": ..., "train": {name: list file}}``.

    List files hold image paths relative to the root, and are themselves relative to the configuration.
    Ids are per data set; they are renumbered so that no two data sets share one and none is unused.

    Raises:
        DataError: a file is missing or malformed.
    """
    root, lists = _read_config(config)
    samples: list[Sample] = []
    identities = 0
    for name, listing in sorted(lists.items()):
        text = _read_text(listing, f"{config} names it for data set {name!r}")
        images = [root / line.strip() for line in text.splitlines() if line.strip()]
        for image in images:
            if not image.is_file():
                raise DataError(f"{image}: no such image; {listing} names it")
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


def _read_config(config: Path) -> tuple[Path, dict[str, Path]]:
    """The root folder and the list file of each data set."""
    try:
        content = json.loads(_read_text(config, "make a data configuration with mot-train data"))
        root = config.parent / content["root"]
        lists = {str(name): config.parent / listing for name, listing in content["train"].items()}
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f'{config}: not a data configuration ({error!r}); expected {{"root": FOLDER, "train": {{NAME: LIST FILE}}}}'
        ) from error
    return root, lists


def _read_text(path: Path, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; {remedy}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from error
