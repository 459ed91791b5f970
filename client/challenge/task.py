"""What there is to track in a benchmark's folder: each video once, or with given detections each sequence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from client.detection.given import GivenDetections
from client.video.images import SEQINFO, assumed_frame_rate, open_folder
from client.video.source import Window
from mot.errors import MotError
from mot.sequence import read_seqinfo
from mot.splits import DETECTORS, VIDEOS, Benchmark, Convention, benchmark_of, frame_range, part, sequences, video_of

PUBLIC = "public"  # the detections that come with each sequence
_PREFERRED = ("-FRCNN", "-DPM", "-SDP", "")  # of a video's copies in MOT17, whose images are the same


class ChallengeError(MotError, ValueError):
    """A benchmark's folder or its results are not as they must be; the message names them and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Frames ``first`` to ``last`` of one sequence, and the results that they become."""

    name: str  # of the video; with given detections, of the sequence
    folder: Path
    results: tuple[str, ...]  # the sequences whose results these are; a video of MOT17 is up to three
    length: int  # frames of the whole sequence
    first: int  # from 1, both included
    last: int
    frame_rate: float  # frames per second
    detections: Path | None = None  # given ones; None: the network's

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A split of a benchmark as it was found."""

    benchmark: Benchmark | None  # None: sequences of one's own, in MOTChallenge's layout
    split: str
    tasks: tuple[Task, ...]
    missing: tuple[str, ...]  # videos, or for given detections of a test split sequences, that will have no result


def find_challenge(
    root: Path,
    split: str,
    *,
    benchmark: Benchmark | None = None,
    convention: Convention = "bytetrack",
    detections: str | None = None,
) -> Challenge:
    """Look into ``ROOT/train`` or ``ROOT/test``, or into ROOT itself where it holds the sequences.

    Args:
        benchmark: by default, the one that the sequences are of.
        convention: of the halves.
        detections: ``public`` for each sequence's ``det/det.txt``, a folder with ``SEQUENCE.txt`` for each, or
            one file where there is one sequence; None for the network's.

    Raises:
        ChallengeError: no sequence of this split, or of several benchmarks, or a file of detections is missing.
        SequenceError: a seqinfo.ini is malformed.
        SplitError: a sequence is too short to have this half.
        VideoError: a sequence has no images.
    """
    folders = {folder.name: folder for folder in _sequence_folders(root, split)}
    benchmark = benchmark or _benchmark(root, folders)
    if benchmark:
        folders = _of_benchmark(root, folders, benchmark, split)
    wanted = sequences(benchmark, split) if benchmark else {}
    groups = _private(folders, split, benchmark) if detections is None else {name: (name,) for name in folders}
    tasks = []
    for name, results in groups.items():
        folder = folders[name]
        given = None if detections is None else _detections(detections, folder, alone=len(groups) == 1)
        length, frame_rate = _extent(folder, given, wanted.get(name))
        first, last = frame_range(split, length, convention)
        tasks.append(
            Task(
                name=name if given else video_of(name),
                folder=folder,
                results=results,
                length=length,
                first=first,
                last=last,
                frame_rate=frame_rate,
                detections=given,
            )
        )
    if benchmark and (split != "test" or detections is None):
        wanted = dict(VIDEOS[benchmark][part(split)])  # one copy of each is enough
        folders = {video_of(name): folder for name, folder in folders.items()}
    missing = tuple(name for name in wanted if name not in folders)
    return Challenge(benchmark=benchmark, split=split, tasks=tuple(tasks), missing=missing)


def _sequence_folders(root: Path, split: str) -> list[Path]:
    if not root.is_dir():
        raise ChallengeError(f"{root}: no such folder; give the benchmark's, which holds train/ and test/")
    inner = root / part(split)
    folder = inner if inner.is_dir() else root
    marks = (SEQINFO, "img1", "det/det.txt")
    found = [each for each in sorted(folder.iterdir()) if any((each / mark).exists() for mark in marks)]
    if not found:
        raise ChallengeError(f"{folder}: holds no sequence, a folder with img1/ or {SEQINFO}")
    return found


def _benchmark(root: Path, names: Iterable[str]) -> Benchmark | None:
    found = sorted({benchmark for name in names if (benchmark := benchmark_of([name]))})
    if len(found) > 1:
        raise ChallengeError(f"{root}: holds sequences of {' and '.join(found)}; choose with --benchmark")
    return found[0] if found else None


def _of_benchmark(root: Path, folders: dict[str, Path], benchmark: Benchmark, split: str) -> dict[str, Path]:
    """Those that are sequences of the split's part."""
    videos = VIDEOS[benchmark][part(split)]
    chosen = {name: folder for name, folder in folders.items() if video_of(name) in videos}
    if not chosen:
        raise ChallengeError(
            f"{root}: holds no sequence of {benchmark}'s part {part(split)}, but {', '.join(folders)}; "
            "give the benchmark's own folder"
        )
    return chosen


def _private(folders: dict[str, Path], split: str, benchmark: Benchmark | None) -> dict[str, tuple[str, ...]]:
    """The folder to read of each video -> the sequences that its result stands for."""
    videos: dict[str, list[str]] = {}
    for name in folders:
        videos.setdefault(video_of(name), []).append(name)
    groups = {}
    for video, names in videos.items():
        ordered = [f"{video}{ending}" for ending in _PREFERRED if f"{video}{ending}" in names]
        read = next((name for name in ordered if _has_images(folders[name])), ordered[0])
        # The server wants all three, whichever of them are at hand.
        all_three = benchmark == "MOT17" and split == "test"
        groups[read] = tuple(f"{video}-{detector}" for detector in DETECTORS) if all_three else tuple(sorted(names))
    return groups


def _has_images(folder: Path) -> bool:
    images = read_seqinfo(folder / SEQINFO).image_dir if (folder / SEQINFO).is_file() else "img1"
    return (folder / images).is_dir()


def _detections(choice: str, folder: Path, *, alone: bool) -> Path:
    path = folder / "det/det.txt" if choice == PUBLIC else Path(choice)
    if path.is_dir():
        path /= f"{folder.name}.txt"
    elif choice != PUBLIC and path.is_file() and not alone:
        raise ChallengeError(f"{path}: one file cannot fit several sequences; give a folder with SEQUENCE.txt for each")
    if not path.is_file():
        raise ChallengeError(f"{path}: no such file; expected the detections of {folder.name}")
    return path


def _extent(folder: Path, given: Path | None, published: int | None) -> tuple[int, float]:
    """Frames of the sequence and its rate: what seqinfo.ini says; else images counted, or what is published."""
    info = read_seqinfo(folder / SEQINFO) if (folder / SEQINFO).is_file() else None
    if info and info.length:
        length = info.length
    elif given is None or _has_images(folder):
        length = open_folder(folder, Window()).frame_count or 0
    else:
        length = published or GivenDetections(given).last_frame
    return length, (info and info.frame_rate) or assumed_frame_rate(folder)
