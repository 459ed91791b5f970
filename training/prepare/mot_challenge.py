"""MOTChallenge's sequences as training pictures.

Source: FairMOT ``src/gen_labels_15.py``, ``_16.py``, ``_20.py``: rows with mark 0 or, where there is a class
column, another class than 1 (pedestrian) are left out; visibility is ignored; nothing is clipped (for MOT20,
training clips: ``augment.clip_boxes``). Where we differ: identities are unique over sequences, while the
original starts a new one where the id changes from a row to the next, which merges two sequences if one ends
with the id that the next begins with; and frames without people stay.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mot.sequence import MotRows, read_ground_truth, read_seqinfo
from mot.splits import Convention
from mot.splits import half as first_and_last
from training.data.configuration import Split
from training.data.labels import DataError
from training.frames import check_numbering, sequence_images
from training.prepare.conversion import Picture, Reading
from training.prepare.pool import map_parallel
from training.prepare.video_frames import video_to_images

log = logging.getLogger(__name__)

PEDESTRIAN = 1  # the class column of MOT16, 17 and 20
# Person on vehicle, static person: people, but TrackEval counts neither finding nor missing them. Distractors (8) and
# reflections (12) it does not count either; a student should learn that mannequins are nobody.
NOT_COUNTED = (2, 7)
VIDEO_SUFFIXES = (".mp4", ".webm", ".avi", ".mkv", ".mov")


@dataclass(frozen=True, kw_only=True)
class MotSequence:
    """A sequence with ground truth."""

    folder: Path
    frames: Mapping[int, Path]  # image of each frame, by its number from 1
    length: int  # frames; more than ``frames`` where some are missing

    @property
    def gt(self) -> Path:
        """The ground truth."""
        return self.folder / "gt" / "gt.txt"


def find_sequences(source: Path, detector: str | None = None) -> list[Path]:
    """The sequences' folders, by name; hidden ones are none.

    Args:
        source: the published folder, or its ``train`` folder.
        detector: of MOT17's three copies of each sequence, the one whose name ends so; other names are kept.

    Raises:
        DataError: there are none.
    """
    folder = next((path for path in (source / "train", source / "images" / "train") if path.is_dir()), source)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected MOTChallenge sequences in it")
    copies = tuple(f"-{name}" for name in ("DPM", "FRCNN", "SDP") if detector and name != detector)
    seen = (path for path in folder.iterdir() if not path.name.startswith("."))
    sequences = sorted(path for path in seen if (path / "gt" / "gt.txt").is_file())
    chosen = [path for path in sequences if not path.name.endswith(copies)] if copies else sequences
    if not chosen:
        there = f"only {', '.join(path.name for path in sequences)}" if sequences else "no SEQUENCE/gt/gt.txt"
        raise DataError(f"{folder}: no sequences to convert; there is {there}")
    return chosen


def open_sequences(folders: Sequence[Path], unpacked: Path) -> list[MotSequence]:
    """Find each sequence's frames: ``img1/``, or a video, whose frames are written to ``unpacked/SEQUENCE``.

    Raises:
        MotError: a sequence has neither, its video cannot be read or is too short, or ``seqinfo.ini`` is malformed.
    """
    infos = {folder: folder / "seqinfo.ini" for folder in folders}
    known = {folder: read_seqinfo(path) for folder, path in infos.items() if path.is_file()}
    lengths = {folder: info.length for folder, info in known.items() if info.length is not None}
    image_folders = {folder: folder / (known[folder].image_dir if folder in known else "img1") for folder in folders}
    packed = [folder for folder in folders if not image_folders[folder].is_dir()]
    jobs = [
        (
            find_video(folder, image_folders[folder].name),
            unpacked / folder.name,
            range(1, lengths[folder] + 1) if folder in lengths else None,
        )
        for folder in packed
    ]
    images = dict(zip(packed, map_parallel(_unpack, jobs, "unpacking videos", batch=1), strict=True))
    sequences = []
    for folder in folders:
        found = images.get(folder) or sequence_images(folder)
        length = lengths.get(folder, len(found))
        sequences.append(MotSequence(folder=folder, frames=dict(enumerate(found, 1)), length=length))
    return sequences


def find_video(folder: Path, images: str = "img1") -> Path:
    """The video of a sequence without its folder of images: ``SEQUENCE.mp4`` beside its folder or in it.

    Raises:
        DataError: there is none.
    """
    for parent in (folder.parent, folder):
        for suffix in VIDEO_SUFFIXES:
            if (video := parent / f"{folder.name}{suffix}").is_file():
                return video
    raise DataError(
        f"{folder}: no {images}/ in it, and no video {folder.name}{VIDEO_SUFFIXES[0]} "
        f"(or {', '.join(VIDEO_SUFFIXES[1:])}) beside it or in it"
    )


def read_mot(sequences: Sequence[MotSequence], half: Convention | None, origin: Path) -> Reading:
    """All sequences' frames, split in halves where asked to; a person in both halves has one identity.

    Raises:
        SequenceError: a gt.txt is malformed; the message names the line.
        NumberingError: images and labels count frames differently.
    """
    parts: dict[Split, list[Picture]] = {"train": [], "test": []}
    left_out: Counter[str] = Counter()
    first = 0
    for sequence in sequences:
        read = frame_pictures(sequence.frames, sequence.gt, folder=sequence.folder.name, first=first)
        first = read.free
        left_out += read.left_out
        last = max(sequence.frames) if half is None else first_and_last("train-half", sequence.length, half)[1]
        for number, picture in zip(sequence.frames, read.pictures, strict=True):
            parts["train" if number <= last else "test"].append(picture)
    return Reading(origin=origin, splits=parts, left_out=left_out)


class Labelled(NamedTuple):
    """Frames with their people."""

    pictures: list[Picture]
    free: int  # the first identity that is free after them
    left_out: Counter[str]  # rows, by reason


def frame_pictures(
    frames: Mapping[int, Path],
    gt: Path,
    *,
    folder: str = "",
    first: int = 0,
    regions: bool = False,
    shown: float = 0.0,
) -> Labelled:
    """Pictures of frames.

    Ids are renumbered from ``first`` on, in their order; only those in these frames count.

    Args:
        frames: images by 1-based frame number.
        folder: below ``images/``, where the pictures go.
        regions: people who are no pedestrians (:data:`NOT_COUNTED`), and pedestrians who are marked to be left out,
            become regions without loss; the original drops them.
        shown: pedestrians of less visibility become regions, too.

    Raises:
        SequenceError: the gt.txt is missing or malformed; the message names the line.
        NumberingError: whole sequences only: images and labels count frames differently.
    """
    rows = read_ground_truth(gt, log.warning)  # what mot eval scores is learnt, too
    if list(frames) == list(range(1, len(frames) + 1)):
        check_numbering(list(frames.values()), rows.frames, gt)
    there = np.isin(rows.frames, list(frames))
    left_out = _reasons(rows, there)
    rows = rows[there]
    rows = rows[np.argsort(rows.frames, kind="stable")]
    pedestrian = (rows.scores != 0) & (rows.classes == PEDESTRIAN)
    learned = pedestrian & (rows.visibilities >= shown)
    others = pedestrian & ~learned
    if regions:
        others |= np.isin(rows.classes, NOT_COUNTED) | ((rows.scores == 0) & (rows.classes == PEDESTRIAN))
    ignored, rows = rows[others], rows[learned]
    ids, numbers = np.unique(rows.ids, return_inverse=True)
    pictures = []
    for frame, image in frames.items():
        own, without = (slice(*np.searchsorted(part.frames, [frame, frame + 1])) for part in (rows, ignored))
        pictures.append(
            Picture(
                source=image,
                name=str(PurePosixPath(folder, image.name)),
                origin=str(gt),
                people=rows.boxes[own],
                identities=first + numbers[own],
                ignored=ignored.boxes[without],
            )
        )
    return Labelled(pictures, first + len(ids), left_out)


def _reasons(rows: MotRows, there: npt.NDArray[np.bool_]) -> Counter[str]:
    """Why rows are nobody's, each for the first reason that holds; ``there`` (N,) says whose frame has a picture."""
    left_out = Counter({"in frames without a picture": int((~there).sum())})
    other = there & (rows.classes != PEDESTRIAN)
    left_out.update(f"class {number}" for number in rows.classes[other].tolist())
    left_out["mark 0"] = int((there & ~other & (rows.scores == 0)).sum())
    return +left_out


def _unpack(job: tuple[Path, Path, range | None]) -> list[Path]:
    return video_to_images(*job)
