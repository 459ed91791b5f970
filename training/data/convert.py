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

from training.data.labels import DataError, write_labels

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
Labels = npt.NDArray[np.float32]


def place_image(source: Path, destination: Path) -> None:
    """Link ``destination`` to an image that stands elsewhere, once."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if not destination.exists():
        destination.symlink_to(os.path.relpath(source.resolve(), destination.parent.resolve()))


def images_in(folder: Path) -> list[Path]:
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise DataError(f"{folder}: no images ({', '.join(IMAGE_SUFFIXES)})")
    return images


def video_to_images(video: Path, folder: Path, frames: range) -> list[Path]:
    """Write the frames whose 1-based numbers are in ``frames`` as JPEG, unless they are there already."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.jpg" for number in frames]
    if all(path.exists() for path in paths):
        return paths
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0), start=1):
            if number >= frames.stop:
                break
            if number in frames:
                image = frame.to_ndarray(format="bgr24")
                cv2.imwrite(str(folder / f"{number:06d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise DataError(f"{video}: has no frame {missing[0].stem}")
    return paths


def mot_labels(gt: Path, sizes: dict[int, tuple[int, int]]) -> dict[int, Labels]:
    """Labels by frame out of a MOTChallenge gt.txt (15: seven columns or more; 16, 17, 20: nine).

    Rows with mark 0 or, where there is a class column, another class than 1 (pedestrian) are left out, as in
    FairMOT's ``gen_labels_16.py``. Ids are renumbered from 0 within the file.

    Args:
        sizes: (width, height) of each wanted frame, by 1-based number; other frames are left out.
    """
    rows = np.loadtxt(gt, delimiter=",", ndmin=2)
    rows = rows[rows[:, 6] != 0]
    if rows.shape[1] == 9:
        rows = rows[rows[:, 7] == 1]
    number = {identity: i for i, identity in enumerate(np.unique(rows[:, 1]))}
    labels = {}
    for frame, (width, height) in sizes.items():
        own = rows[rows[:, 0] == frame]
        size = own[:, 4:6]
        centre = own[:, 2:4] + size / 2
        identity = np.array([number[i] for i in own[:, 1]])
        columns = [np.zeros(len(own)), identity, *(centre / (width, height)).T, *(size / (width, height)).T]
        labels[frame] = np.stack(columns, axis=1).astype(np.float32).reshape(-1, 6)
    return labels


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of an image file."""
    image = cv2.imread(str(path))
    if image is None:
        raise DataError(f"{path}: missing or no readable image")
    return image.shape[1], image.shape[0]


def convert_mot_sequence(images: Sequence[Path], numbers: Sequence[int], gt: Path, out: Path) -> list[Path]:
    """Images (1-based frame ``numbers``) and a gt.txt -> ``out/images`` and ``out/labels_with_ids``."""
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
    first = 0
    for labels in all_labels:
        labels = identity_per_box(labels, first)
        first += int((labels[:, 0] >= 0).sum())
        yield labels


def write_config(root: Path, lists: dict[str, Sequence[Path]]) -> Path:
    """Write one list file a data set and ``data.json``, the original's configuration; returns its path."""
    for name, images in lists.items():
        lines = [f"{image.relative_to(root).as_posix()}\n" for image in sorted(images)]
        (root / f"{name}.train").write_text("".join(lines))
    config = root / "data.json"
    content = {"root": ".", "train": {name: f"{name}.train" for name in sorted(lists)}}
    config.write_text(json.dumps(content, indent=2) + "\n")
    return config
