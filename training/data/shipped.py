"""The training set of the shipped default model, out of public research data laid out as its model card says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from training.data.convert import (
    convert_mot_sequence,
    images_in,
    numbered_identities,
    place_image,
    video_to_images,
    write_config,
)
from training.data.labels import DataError, read_labels, write_labels
from training.data.pseudo import Teacher, TeacherConfig

Report = Callable[[str], None]
TEACHER = "models/yolox_nano_416x416.onnx"
VIDEOS = {"pedestrians_social_distancing": 341, "mctracker-View_006": 795, "mmtracking-demo": 8}  # frames


def prepare_shipped(source: Path, out: Path, report: Report) -> Path:
    """Convert and pseudo-label everything; returns the data configuration.

    Only training splits are read: frames 1-397 of PETS09-S2L1, 1-263 of MOT17-09, the MOT17 samples, stills,
    and unlabelled images and videos.

    Raises:
        MotError: a folder or file of the layout is missing or malformed.
    """
    for name in ("mot", "stills", "unlabelled", "videos"):
        if not (source / name).is_dir():
            raise DataError(f"{source}: no folder {name!r} in it; see model_repository/README.md for the layout")
    lists = _sequences(source, out, report)
    for name in ("pennfudan", "coco_people"):
        report(name)
        lists[name] = _stills(source / "stills" / name, out / name)
    lists |= _unlabelled(source, out, report)
    return write_config(out, lists)


def _sequences(source: Path, out: Path, report: Report) -> dict[str, Sequence[Path]]:
    """The training parts of sequences with ground truth."""
    lists: dict[str, Sequence[Path]] = {}
    report("PETS09-S2L1, frames 1-397")
    numbers: Sequence[int] = range(1, 398)
    images = video_to_images(source / "videos/vtest.avi", out / "pets/images", range(1, 398))
    lists["pets"] = convert_mot_sequence(images, numbers, source / "mot/PETS09-S2L1/gt/gt.txt", out / "pets")
    report("MOT17-09, frames 1-263")
    sequence = source / "mot/MOT17-09-FRCNN"
    numbers = range(1, 264)
    images = [sequence / "img1" / f"{number:06d}.jpg" for number in numbers]
    gt = sequence / "gt/gt_train_half.txt"
    lists["mot17-09"] = convert_mot_sequence(images, numbers, gt, out / "mot17-09")
    for mini in sorted((source / "mot/MOT17-mini").iterdir()):
        if mini.name.startswith("MOT17-09"):  # frames of the sequence above
            continue
        report(mini.name)
        images = images_in(mini / "img1")
        numbers = [int(path.stem) for path in images]
        lists[mini.name] = convert_mot_sequence(images, numbers, mini / "gt/gt.txt", out / mini.name)
    return lists


def _unlabelled(source: Path, out: Path, report: Report) -> dict[str, Sequence[Path]]:
    """Image folders and videos without labels, labelled by the teacher."""
    lists: dict[str, Sequence[Path]] = {}
    teacher = Teacher(source / TEACHER, TeacherConfig())
    for folder in sorted((source / "unlabelled").iterdir()):
        report(f"{folder.name}, pseudo-labels")
        # Stills of different people may teach identity; frames of one sequence would contradict each other.
        lists[folder.name] = _pseudo(images_in(folder), out / folder.name, teacher, own_ids=folder.name == "street")
    for name, frames in VIDEOS.items():
        report(f"{name}, pseudo-labels")
        step = max(1, frames // 110)
        images = video_to_images(source / f"videos/{name}.mp4", out / name / "images", range(1, frames + 1, step))
        lists[name] = _pseudo(images, out / name, teacher, own_ids=False)
    return lists


def _stills(source: Path, out: Path) -> list[Path]:
    """Images of different people: each person is an identity."""
    images = images_in(source / "images")
    labels = [read_labels(source / "labels_with_ids" / f"{image.stem}.txt") for image in images]
    placed = []
    for image, rows in zip(images, numbered_identities(labels), strict=True):
        place_image(image, out / "images" / image.name)
        write_labels(out / "labels_with_ids" / f"{image.stem}.txt", rows)
        placed.append(out / "images" / image.name)
    return placed


def _pseudo(images: Sequence[Path], out: Path, teacher: Teacher, *, own_ids: bool) -> list[Path]:
    """Label images with the teacher; images labelled by an earlier run are left as they are."""
    placed = []
    labels = []
    for image in images:
        destination = out / "images" / image.name
        if image != destination:
            place_image(image, destination)
        placed.append(destination)
        cached = out / "pseudo" / f"{image.stem}.txt"
        if not cached.exists():
            pixels = cv2.imread(str(image))
            if pixels is None:
                raise DataError(f"{image}: no readable image")
            write_labels(cached, teacher(np.asarray(pixels, np.uint8)))
        labels.append(read_labels(cached))
    for image, rows in zip(images, numbered_identities(labels) if own_ids else labels, strict=True):
        write_labels(out / "labels_with_ids" / f"{image.stem}.txt", rows)
    return placed
