"""From published layouts to ``images/`` + ``labels_with_ids/`` + list files; a second run changes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from mot.files import whole_file
from mot.sequence import read_ground_truth
from training.data.labels import PERSON, DataError, write_labels

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
PEDESTRIAN = 1  # the class column of MOT16, 17 and 20
Labels = npt.NDArray[np.float32]


def place_image(source: Path, destination: Path) -> None:
    """Link ``destination`` to an image that stands elsewhere; a link to another place is replaced."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if destination.is_symlink() and destination.resolve() != source.resolve():
        destination.unlink()
    if not destination.exists():
        destination.symlink_to(os.path.relpath(source.resolve(), destination.parent.resolve()))


def images_in(folder: Path) -> list[Path]:
    """The image files of a folder, by name.

    Raises:
        DataError: there is no such folder or no image in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected images in it")
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise DataError(f"{folder}: no images ({', '.join(IMAGE_SUFFIXES)})")
    return images


def video_to_images(video: Path, folder: Path, frames: range) -> list[Path]:
    """Write the frames whose 1-based numbers are in ``frames`` as JPEG, unless they are there already.

    Raises:
        DataError: the video cannot be read or ends before the last of these frames.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.jpg" for number in frames]
    if all(path.exists() for path in paths):
        return paths
    try:
        with av.open(str(video)) as container:
            for number, frame in enumerate(container.decode(video=0), start=1):
                if number >= frames.stop:
                    break
                if number in frames:
                    with whole_file(folder / f"{number:06d}.jpg") as temporary:
                        image = frame.to_ndarray(format="bgr24")
                        cv2.imwrite(str(temporary), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    except av.FFmpegError as error:
        raise DataError(f"{video}: cannot be read as a video: {error.strerror}") from error
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise DataError(f"{video}: has no frame {int(missing[0].stem)}; is it the right video?")
    return paths


def mot_labels(gt: Path, sizes: dict[int, tuple[int, int]]) -> dict[int, Labels]:
    """Labels by frame out of a MOTChallenge gt.txt (15: seven columns or more; 16, 17, 20: nine).

    Rows with mark 0 or, where there is a class column, another class than 1 (pedestrian) are left out, as in
    FairMOT's ``gen_labels_16.py``. Ids are renumbered from 0 within the file.

    Args:
        sizes: (width, height) of each wanted frame, by 1-based number; other frames are left out.

    Raises:
        SequenceError: the file is missing or malformed; the message names the line.
    """
    rows = read_ground_truth(gt)
    rows = rows[(rows.scores != 0) & (rows.classes == PEDESTRIAN)]
    numbers = np.unique(rows.ids, return_inverse=True)[1]
    labels = {}
    for frame, (width, height) in sizes.items():
        own = rows.frames == frame
        size = rows.boxes[own, 2:]
        centre = rows.boxes[own, :2] + size / 2
        columns = [np.full(len(size), PERSON), numbers[own], *(centre / (width, height)).T, *(size / (width, height)).T]
        labels[frame] = np.stack(columns, axis=1).astype(np.float32)
    return labels


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of an image file."""
    image = cv2.imread(str(path))
    if image is None:
        raise DataError(f"{path}: missing or no readable image")
    return image.shape[1], image.shape[0]


def convert_mot_sequence(images: Sequence[Path], numbers: Sequence[int], gt: Path, out: Path) -> list[Path]:
    """Images (1-based frame ``numbers``) and a gt.txt -> ``out/images`` and ``out/labels_with_ids``.

    Returns the paths of the placed images. All images of a sequence have the size of the first.

    Raises:
        DataError: the first image cannot be read.
        SequenceError: the gt.txt is missing or malformed.
    """
    width, height = image_size(images[0])
    labels = mot_labels(gt, dict.fromkeys(numbers, (width, height)))
    placed = []
    for path, number in zip(images, numbers, strict=True):
        destination = out / "images" / path.name
        if path.resolve() != destination.resolve():
            place_image(path, destination)
        write_labels(out / "labels_with_ids" / f"{path.stem}.txt", labels[number])
        placed.append(destination)
    return placed


def identity_per_box(labels: Labels, first: int) -> Labels:
    """Give each person without an identity one of their own, as FairMOT does for CrowdHuman."""
    labels = labels.copy()
    unknown = (labels[:, 1] < 0) & (labels[:, 0] >= 0)
    labels[unknown, 1] = first + np.arange(unknown.sum())
    return labels


def numbered_identities(all_labels: Sequence[Labels]) -> Iterator[Labels]:
    """:func:`identity_per_box` over a data set's images, no identity twice."""
    first = 1 + max((int(labels[:, 1].max(initial=-1)) for labels in all_labels), default=-1)
    for labels in all_labels:
        labels = identity_per_box(labels, first)
        first = max(first, 1 + int(labels[:, 1].max(initial=-1)))
        yield labels


def write_config(root: Path, lists: dict[str, Sequence[Path]]) -> Path:
    """Write one list file a data set and ``data.json``, the original's configuration; returns its path."""
    for name, images in lists.items():
        lines = [f"{image.relative_to(root).as_posix()}\n" for image in sorted(images)]
        with whole_file(root / f"{name}.train") as temporary:
            temporary.write_text("".join(lines))
    config = root / "data.json"
    content = {"root": ".", "train": {name: f"{name}.train" for name in sorted(lists)}}
    with whole_file(config) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")
    return config
