"""The training set of the shipped default model, out of public research data laid out as its model card says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from client import terminal
from training.data.configuration import write_config
from training.data.labels import DataError, read_labels, write_labels
from training.data.pictures import read_picture
from training.data.placement import place_image
from training.prepare.conversion import convert
from training.prepare.identities import numbered_identities
from training.prepare.images import image_size, images_in
from training.prepare.mot_challenge import frame_pictures
from training.prepare.pseudo import Teacher, TeacherConfig
from training.prepare.tracklets import identify
from training.prepare.video_frames import video_to_images

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
    pets = video_to_images(source / "videos/vtest.avi", out / "pets/images", range(1, 398))
    half = source / "mot/MOT17-09-FRCNN"
    parts = {
        "pets": (pets, source / "mot/PETS09-S2L1/gt/gt.txt"),
        "mot17-09": ([half / f"img1/{number:06d}.jpg" for number in range(1, 264)], half / "gt/gt_train_half.txt"),
    }
    for mini in sorted((source / "mot/MOT17-mini").iterdir()):
        if not mini.name.startswith("MOT17-09"):  # frames of the sequence above
            parts[mini.name] = (images_in(mini / "img1"), mini / "gt/gt.txt")
    lists: dict[str, Sequence[Path]] = {}
    for name, (images, gt) in parts.items():
        report(f"{name}, {len(images)} frames")
        labelled = frame_pictures({int(image.stem): image for image in images}, gt)
        lists[name] = convert(labelled.pictures, out / name, name).images
    return lists


def _unlabelled(source: Path, out: Path, report: Report) -> dict[str, Sequence[Path]]:
    """Image folders and videos without labels, labelled by the teacher."""
    lists: dict[str, Sequence[Path]] = {}
    teacher = Teacher(source / TEACHER, TeacherConfig())
    for folder in sorted((source / "unlabelled").iterdir()):
        report(f"{folder.name}, pseudo-labels")
        # Each person of a still is somebody else; people in a sequence are followed.
        lists[folder.name] = _pseudo(images_in(folder), out / folder.name, teacher, followed=folder.name != "street")
    for name, frames in VIDEOS.items():
        report(f"{name}, pseudo-labels")
        step = max(1, frames // 110)
        # People are followed through every frame, but neighbouring frames teach the same.
        images = video_to_images(source / f"videos/{name}.mp4", out / name / "images", range(1, frames + 1))
        lists[name] = _pseudo(images, out / name, teacher, followed=True)[::step]
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


def _pseudo(images: Sequence[Path], out: Path, teacher: Teacher, *, followed: bool) -> list[Path]:
    """Label images with the teacher; images labelled by an earlier run are left as they are."""
    placed = []
    labels = []
    with terminal.progress(f"{out.name}, pseudo-labels", len(images)) as advance:
        for image in images:
            destination = out / "images" / image.name
            if image != destination:
                place_image(image, destination)
            placed.append(destination)
            cached = out / "pseudo" / f"{image.stem}.txt"
            if not cached.exists():
                bgr = np.ascontiguousarray(read_picture(image)[..., ::-1])
                write_labels(cached, teacher(bgr))
            labels.append(read_labels(cached))
            advance()
    numbered = identify(labels, *image_size(images[0])) if followed else numbered_identities(labels)
    for image, rows in zip(images, numbered, strict=True):
        write_labels(out / "labels_with_ids" / f"{image.stem}.txt", rows)
    return placed
