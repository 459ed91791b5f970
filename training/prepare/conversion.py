"""The last step of every converter: pictures of a published data set to ``images/`` and ``labels_with_ids/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from training.data.configuration import SPLITS, Split, write_config
from training.data.labels import IGNORE, PERSON, DataError, label_path, write_labels
from training.data.placement import place_image
from training.prepare.images import image_size
from training.prepare.pool import map_parallel

Boxes = npt.NDArray[np.float64]
SMALLEST = 1e-6  # of the image: what a label file's six decimals can say
NO_BOXES: Boxes = np.empty((0, 4))


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image of a published data set with its people."""

    source: Path  # the image
    name: str  # its path below ``images/``, with suffix
    origin: str  # where the annotation stands, for messages: FILE or FILE:LINE
    people: Boxes  # (M, 4) left, top, width, height; pixels; may leave the image
    identities: npt.NDArray[np.int64]  # (M,) unique within the data set, or -1
    ignored: Boxes = field(default_factory=lambda: NO_BOXES)  # (K, 4) regions without loss
    size: tuple[int, int] | None = None  # (width, height) that the annotation claims


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What became of a data set's pictures."""

    images: list[Path]  # below ``images/``
    people: int
    left_out: int  # boxes and regions wholly outside of their image, or without a size


def convert_data_set(root: Path, name: str, splits: Mapping[Split, Sequence[Picture]]) -> dict[Split, Converted]:
    """Convert a data set's splits into ``root/name`` and enter it into ``root/data.json``.

    An empty split takes the data set out of that split; one that is not there is left as it is.

    Raises:
        DataError: as :func:`convert`, or the configuration cannot be extended.
    """
    converted = {split: convert(pictures, root / name, f"{name}, {split}") for split, pictures in splits.items()}
    write_config(root, *({name: converted[split].images} if split in converted else {} for split in SPLITS))
    return converted


def convert(pictures: Sequence[Picture], out: Path, title: str) -> Converted:
    """Link the images into ``out/images`` and write ``out/labels_with_ids``; a second run changes nothing.

    Raises:
        DataError: an image is missing, of another size than its annotation says, or named outside of the data
            set, or two would share a label file.
    """
    seen: dict[PurePosixPath, str] = {}
    for picture in pictures:
        name = PurePosixPath(picture.name)
        if name.is_absolute() or ".." in name.parts:
            raise DataError(f"{picture.origin}: image {picture.name!r} lies outside of the data set")
        if (labels := name.with_suffix("")) in seen:
            raise DataError(
                f"{picture.origin}: image {picture.name!r} would share its labels with an image of {seen[labels]}"
            )
        seen[labels] = picture.origin
    counts = map_parallel(partial(_convert_one, out), pictures, title)
    return Converted(
        images=[out / "images" / picture.name for picture in pictures],
        people=sum(people for people, _ in counts),
        left_out=sum(left_out for _, left_out in counts),
    )


def _convert_one(out: Path, picture: Picture) -> tuple[int, int]:
    """Place one picture; returns how many people it has and how many boxes were left out."""
    try:
        width, height = image_size(picture.source)
    except DataError as error:
        raise DataError(f"{error}; {picture.origin} names it") from error
    if picture.size not in (None, (width, height)):
        raise DataError(f"{picture.source}: is {width}x{height}, but {picture.origin} says {picture.size}")
    boxes = np.concatenate([picture.people, picture.ignored])
    classes = np.repeat([PERSON, IGNORE], [len(picture.people), len(picture.ignored)])
    identities = np.concatenate([picture.identities, np.full(len(picture.ignored), -1)])
    size = boxes[:, 2:] / (width, height)
    centre = boxes[:, :2] / (width, height) + size / 2
    return place(out, picture.name, picture.source, np.column_stack([classes, identities, centre, size]))


def place(out: Path, name: str, source: Path, rows: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Link one image and write its labels; returns how many people it has and how many rows were left out.

    Args:
        rows: (M, 6) class, id, xc, yc, w, h; fractions of the image.
    """
    finite = rows[np.isfinite(rows).all(axis=1)]
    low, high = finite[:, 2:4] - finite[:, 4:] / 2, finite[:, 2:4] + finite[:, 4:] / 2
    # What lies outside is never seen: augmentation moves it together with the image.
    seen = (low < 1).all(axis=1) & (high > 0).all(axis=1)
    kept = finite[seen & (finite[:, 4:] >= SMALLEST).all(axis=1)]
    destination = out / "images" / name
    if source != destination:
        place_image(source, destination)
    write_labels(label_path(destination), kept.astype(np.float32))
    return int((kept[:, 0] == PERSON).sum()), len(rows) - len(kept)
