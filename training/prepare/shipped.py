"""The training set of the shipped default model, out of public research data laid out as its model card says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from client import terminal
from mot.files import whole_file
from training.data.configuration import write_config
from training.data.labels import DataError, Labels, label_path, read_labels, write_labels
from training.data.pictures import read_picture
from training.data.placement import place_image
from training.prepare.conversion import convert
from training.prepare.crop_sheets import write_sheets
from training.prepare.identities import numbered_identities
from training.prepare.images import image_size, images_in
from training.prepare.mot_challenge import frame_pictures
from training.prepare.pseudo import Teacher, TeacherConfig
from training.prepare.tracklets import identify
from training.prepare.unlabelled_people import whole_only, with_regions
from training.prepare.video_frames import video_to_images

Report = Callable[[str], None]
TEACHER = "models/rtmdet_nano_person.onnx"
# First frames that are used. View_006 shows from elsewhere what PETS09-S2L1 shows, whose frames from 398 on are for
# validation.
VIDEOS = {"pedestrians_social_distancing": 341, "mctracker-View_006": 397, "mmtracking-demo": 8}
STILLS = ("pennfudan", "coco_people", "prw_c6s1")
# Sequences are followed. In single images each person is somebody else, but not where one place is seen again and
# again, too seldom to follow anybody: there nobody has an identity. What stands in unlabelled/clips has no known
# terms and stays out.
SEQUENCES = ("sequence_follow", "sequence_pedestrians", "sequence_walking")
SINGLE = ("street",)
SELDOM = ("bobot_j", "epfl_campus4_c0", "mall", "prw_c6s1")
# Neighbouring frames of long sequences teach the same.
EVERY = 2
SHOWN = 0.1  # whoever shows less than this share is a region without loss


def prepare_shipped(source: Path, out: Path, report: Report) -> Path:
    """Convert and pseudo-label everything; returns the data configuration.

    Only training splits are read: frames 1-397 of PETS09-S2L1, 1-263 of MOT17-09, the samples of MOT17-02 and
    ETH-Bahnhof, the MOT17 samples, stills, re-identification crops, and unlabelled images and videos.

    Raises:
        MotError: a folder or file of the layout is missing or malformed.
    """
    for name in ("mot", "reid", "stills", "unlabelled", "videos"):
        if not (source / name).is_dir():
            raise DataError(f"{source}: no folder {name!r} in it; see model_repository/README.md for the layout")
    teacher = Teacher(source / TEACHER, TeacherConfig())
    lists = _sequences(source, out, report)
    report("eth, whom its labels leave out")
    complete(lists["eth"], out / "eth", teacher)
    for name in STILLS:
        report(name)
        lists[name] = _stills(source / "stills" / name, out / name)
        if name == "coco_people":  # everybody is labelled, but with the visible part
            for image in lists[name]:
                write_labels(label_path(image), whole_only(read_labels(label_path(image)), *image_size(image)))
        else:
            complete(lists[name], out / name, teacher)
    report("market1501, sheets")
    lists["market1501"] = write_sheets(source / "reid/market1501", out / "market1501")
    lists |= _unlabelled(source, out, teacher, report)
    return write_config(out, lists)


def _sequences(source: Path, out: Path, report: Report) -> dict[str, Sequence[Path]]:
    """The training parts of sequences with ground truth."""
    mot = source / "mot"
    pets = video_to_images(source / "videos/vtest.avi", out / "pets/images", range(1, 398))
    half = [mot / f"MOT17-09-FRCNN/img1/{number:06d}.jpg" for number in range(1, 264)]
    parts = {
        "pets": (pets[::EVERY], mot / "PETS09-S2L1/gt/gt.txt"),
        "mot17-09": (half[::EVERY], mot / "MOT17-train-half-gt/MOT17-09_train_half_1-263.txt"),
        "mot17-02": (images_in(mot / "MOT17-02-half/img1"), mot / "MOT17-02-half/gt/gt.txt"),
        "eth": (images_in(mot / "ETH-Bahnhof/img1"), mot / "ETH-Bahnhof/gt/gt.txt"),
    }
    for mini in sorted((mot / "MOT17-mini").iterdir()):
        if not mini.name.startswith(("MOT17-02", "MOT17-09")):  # frames of the sequences above
            parts[mini.name] = (images_in(mini / "img1"), mini / "gt/gt.txt")
    lists: dict[str, Sequence[Path]] = {}
    for name, (images, gt) in parts.items():
        report(f"{name}, {len(images)} frames")
        frames = {int(image.stem): image for image in images}
        labelled = frame_pictures(frames, gt, regions=True, shown=SHOWN)
        lists[name] = convert(labelled.pictures, out / name, name).images
    return lists


def _unlabelled(source: Path, out: Path, teacher: Teacher, report: Report) -> dict[str, Sequence[Path]]:
    """Image folders and videos without labels, labelled by the teacher."""
    lists: dict[str, Sequence[Path]] = {}
    for name in (*SEQUENCES, *SINGLE, *(name for name in SELDOM if name not in STILLS)):
        report(f"{name}, pseudo-labels")
        images = images_in(source / "unlabelled" / name)
        lists[name] = _pseudo(images, out / name, teacher, name)
    for name, frames in VIDEOS.items():
        report(f"{name}, pseudo-labels")
        step = max(1, frames // 110)
        # People are followed through every frame, but neighbouring frames teach the same.
        images = video_to_images(source / f"videos/{name}.mp4", out / name / "images", range(1, frames + 1))
        lists[name] = _pseudo(images, out / name, teacher, name)[::step]
    return lists


def _stills(source: Path, out: Path) -> list[Path]:
    """Images with labels."""
    images = images_in(source / "images")
    folder = next(path for name in ("labels_with_ids", "labels") if (path := source / name).is_dir())
    labels = [read_labels(folder / f"{image.stem}.txt") for image in images]
    placed = []
    numbered = labels if source.name in SELDOM else numbered_identities(labels)
    for image, rows in zip(images, numbered, strict=True):
        place_image(image, out / "images" / image.name)
        write_labels(out / "labels_with_ids" / f"{image.stem}.txt", rows)
        placed.append(out / "images" / image.name)
    return placed


def complete(images: Sequence[Path], out: Path, teacher: Teacher) -> None:
    """Add regions for people whom the labels of converted images leave out."""
    for image in images:
        width, height = image_size(image)
        rows = read_labels(label_path(image))
        write_labels(label_path(image), with_regions(rows, _seen(image, out, teacher), width, height))


def _pseudo(images: Sequence[Path], out: Path, teacher: Teacher, name: str) -> list[Path]:
    """Label images with the teacher; images labelled by an earlier run are left as they are."""
    placed = []
    labels = []
    with terminal.progress(f"{out.name}, pseudo-labels", len(images)) as advance:
        for image in images:
            destination = out / "images" / image.name
            if image != destination:
                place_image(image, destination)
            placed.append(destination)
            labels.append(_seen(destination, out, teacher))
            advance()
    numbered: Iterable[Labels] = labels
    if name in SINGLE:
        numbered = numbered_identities(labels)
    elif name not in SELDOM:
        numbered = identify(labels, *image_size(images[0]))
    for image, rows in zip(images, numbered, strict=True):
        write_labels(out / "labels_with_ids" / f"{image.stem}.txt", rows)
    return placed


def _seen(image: Path, out: Path, teacher: Teacher) -> Labels:
    """What the teacher sees in an image; its boxes and scores are kept below ``out/seen`` for the next run."""
    cached = out / "seen" / f"{image.stem}.csv"
    if not cached.exists():
        boxes, scores = teacher.look(np.ascontiguousarray(read_picture(image)[..., ::-1]))
        cached.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(cached) as temporary:
            np.savetxt(temporary, np.column_stack([boxes, scores]), fmt="%.3f", delimiter=",")
    lines = cached.read_text(encoding="utf-8").split()
    rows = np.array([line.split(",") for line in lines], np.float32).reshape(-1, 5)
    return teacher.judge(rows[:, :4], rows[:, 4], *image_size(image))
