"""The last step of every converter: pictures of a published data set to ``images/`` and ``labels_with_ids/``.

Each split of each data set has a place of its own, ``ROOT/NAME/SPLIT``: names of images are unique within neither
splits nor data sets.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from training.data.configuration import SPLITS, Split, images_listed, write_config
from training.data.labels import IGNORE, PERSON, DataError, label_path, read_text, write_labels
from training.data.placement import place_image, place_text
from training.prepare.images import image_size
from training.prepare.pool import map_parallel

Boxes = npt.NDArray[np.float64]
SMALLEST = 1e-6  # of the image: what a label file's six decimals can say
NO_BOXES: Boxes = np.empty((0, 4))
ORIGIN = "origin.txt"  # in a split's place: what it was made from

NOT_FINITE, NO_SIZE, OUTSIDE = "not a finite number", "without a size", "outside of the image"


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
class Reading:
    """A data set as its annotations have it."""

    origin: Path  # the annotation file, or the published folder
    splits: Mapping[Split, Sequence[Picture]]
    left_out: Mapping[str, int] = field(default_factory=dict)  # rows that are nobody's, by reason: "class dog"


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What became of a split's pictures."""

    images: list[Path]  # below ``images/``
    people: int
    ignored: int  # regions without loss
    left_out: Mapping[str, int]  # boxes and regions that nobody can see, by reason
    before: int | None = None  # images that the data set had in this split; None: it was not there


def convert_data_set(root: Path, name: str, reading: Reading, *, overwrite: bool = False) -> dict[Split, Converted]:
    """Convert a data set's splits into ``root/name/SPLIT`` and enter it into ``root/data.json``.

    An empty split takes the data set out of that split; one that is not there is left as it is.

    Args:
        overwrite: take the place of what was made from something else.

    Raises:
        DataError: as :func:`convert`; nobody was found; the place is taken; or the configuration cannot be extended.
    """
    for split in reading.splits:
        claim(root, name, split, reading.origin, overwrite=overwrite)
    converted = {
        split: convert(pictures, root / name / split, f"{name}, {split}") for split, pictures in reading.splits.items()
    }
    require_people(converted, reading)
    return enter(root, name, converted)


def claim(root: Path, name: str, split: Split, origin: Path, *, overwrite: bool) -> None:
    """Take a split's place for what is made from ``origin``.

    Raises:
        DataError: ``name`` is no name, or something else has the place and ``overwrite`` is not set.
    """
    if (
        name in ("", "..")
        or PurePosixPath(name).name != name
        or "\\" in name
        or not _is_text(name)
        or name != name.strip()  # lists have a path a line
        or name.endswith(tuple(f".{each}" for each in SPLITS))
    ):
        raise DataError(
            f"--name {name!r}: expected a name without /, blanks around it or line ends, and not ending with .train or "
            ".test"
        )
    place = root / name / split
    if (place / ORIGIN).is_file():
        before = read_text(place / ORIGIN, "remove the folder").strip()
        if before != str(origin.resolve()):
            if not overwrite:
                raise DataError(
                    f"{place}: data set {name!r} was made from {before}; choose another --name for {origin}, "
                    "or give --overwrite to replace it"
                )
            shutil.rmtree(place)  # links and labels, all made by us
    place_text(place / ORIGIN, f"{origin.resolve()}\n")


def enter(root: Path, name: str, converted: Mapping[Split, Converted]) -> dict[Split, Converted]:
    """Write a data set's list files and ``root/data.json``; returns the same with what was there before."""
    before = {split: images_listed(root, name, split) for split in converted}
    write_config(root, *({name: converted[split].images} if split in converted else {} for split in SPLITS))
    return {
        split: Converted(
            images=part.images,
            people=part.people,
            ignored=part.ignored,
            left_out=part.left_out,
            before=before[split],
        )
        for split, part in converted.items()
    }


def require_people(converted: Mapping[Split, Converted], reading: Reading) -> None:
    """Raise :class:`DataError` where nobody was found, with what was read instead."""
    if any(part.people for part in converted.values()):
        return
    left_out = all_left_out(converted.values(), reading.left_out)
    images = sum(len(part.images) for part in converted.values())
    rows = f"left out: {said(left_out)}" if left_out else "no row was read"
    raise DataError(f"{reading.origin}: nobody was found in {images} images; {rows}; data.json is as it was")


def all_left_out(parts: Iterable[Converted], read: Mapping[str, int]) -> Counter[str]:
    """Rows left out in reading and in converting, by reason."""
    total = Counter(read)
    for part in parts:
        total.update(part.left_out)
    return total


def said(left_out: Mapping[str, int]) -> str:
    """Reasons with their counts, the most frequent first: ``12 class dog, 3 outside of the image``."""
    return ", ".join(f"{count} {reason}" for reason, count in Counter(left_out).most_common())


def convert(pictures: Sequence[Picture], out: Path, title: str) -> Converted:
    """Link the images into ``out/images`` and write ``out/labels_with_ids``; a second run changes nothing.

    Raises:
        DataError: an image is missing, of another size than its annotation says, or named outside of the data
            set, or two would share a label file.
    """
    seen: dict[PurePosixPath, str] = {}
    for picture in pictures:
        name = PurePosixPath(picture.name)
        if not name.parts:
            raise DataError(f"{picture.origin}: an image without a name")
        if name.is_absolute() or ".." in name.parts:
            raise DataError(f"{picture.origin}: image {picture.name!r} lies outside of the data set")
        if (labels := name.with_suffix("")) in seen:
            raise DataError(
                f"{picture.origin}: image {picture.name!r} would share its labels with an image of {seen[labels]}"
            )
        seen[labels] = picture.origin
    counts = map_parallel(partial(_convert_one, out), pictures, title)
    return summed([out / "images" / picture.name for picture in pictures], counts)


def summed(images: list[Path], counts: Sequence[Counter[str]]) -> Converted:
    """What :func:`place` said of each image, together."""
    total = sum(counts, Counter())
    people, ignored = total.pop("people", 0), total.pop("ignored", 0)
    return Converted(images=images, people=people, ignored=ignored, left_out=total)


def _convert_one(out: Path, picture: Picture) -> Counter[str]:
    """Place one picture; returns as :func:`place`."""
    try:
        width, height = image_size(picture.source)
    except DataError as error:
        raise DataError(f"{error}; {picture.origin} names it") from error
    if picture.size not in (None, (width, height)):
        claimed = "{}x{}".format(*picture.size or ())
        raise DataError(
            f"{picture.source}: is {width}x{height}, but {picture.origin} says {claimed}; its boxes may be of another "
            "picture: put the right one there, or correct the size (0 is unknown)"
        )
    boxes = np.concatenate([picture.people, picture.ignored])
    classes = np.repeat([PERSON, IGNORE], [len(picture.people), len(picture.ignored)])
    identities = np.concatenate([picture.identities, np.full(len(picture.ignored), -1)])
    with np.errstate(invalid="ignore"):  # infinities, which are left out
        size = boxes[:, 2:] / (width, height)
        centre = boxes[:, :2] / (width, height) + size / 2
    return place(out, picture.name, picture.source, np.column_stack([classes, identities, centre, size]))


def place(out: Path, name: str, source: Path, rows: npt.NDArray[np.float64]) -> Counter[str]:
    """Link one image and write its labels; returns how many "people", "ignored", and rows left out by reason.

    Args:
        rows: (M, 6) class, id, xc, yc, w, h; fractions of the image.

    Raises:
        DataError: the name cannot stand in a list file.
    """
    if not _is_text(name):
        raise DataError(
            f"{str(source)!r}: the name is no UTF-8, or breaks a line, and lists have a name a line; rename it"
        )
    finite = (np.abs(rows) <= np.finfo(np.float32).max).all(axis=1)  # as labels are kept; NaN is not, either
    sized = finite & (rows[:, 4:] >= SMALLEST).all(axis=1)
    with np.errstate(invalid="ignore"):  # infinities, which are left out anyhow
        low, high = rows[:, 2:4] - rows[:, 4:] / 2, rows[:, 2:4] + rows[:, 4:] / 2
    # What lies outside is never seen: augmentation moves it together with the image.
    seen = sized & (low < 1).all(axis=1) & (high > 0).all(axis=1)
    kept = rows[seen]
    destination = out / "images" / name
    if source != destination:
        place_image(source, destination)
    write_labels(label_path(destination), kept.astype(np.float32))
    people = int((kept[:, 0] == PERSON).sum())
    counts = {
        "people": people,
        "ignored": len(kept) - people,
        NOT_FINITE: int((~finite).sum()),
        NO_SIZE: int((finite & ~sized).sum()),
        OUTSIDE: int((sized & ~seen).sum()),
    }
    return Counter({kind: count for kind, count in counts.items() if count})


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8, as Python has them
        return False
    return "\n" not in name and "\r" not in name
