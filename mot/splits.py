"""MOTChallenge's benchmarks: their sequences, how long and how fast these are, and where they are cut in halves.

Frames are counted from 1, first and last included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from mot.errors import MotError

Benchmark = Literal["MOT15", "MOT16", "MOT17", "MOT20"]
Split = Literal["train", "test", "train-half", "val-half"]
Convention = Literal["bytetrack", "fairmot"]

DETECTORS = ("DPM", "FRCNN", "SDP")  # MOT17 has each video three times, under these endings

_MOT16_TRAIN = {"02": 600, "04": 1050, "05": 837, "09": 525, "10": 654, "11": 900, "13": 750}
_MOT16_TEST = {"01": 450, "03": 1500, "06": 1194, "07": 500, "08": 625, "12": 900, "14": 750}

# Benchmark -> part -> video -> frames: motchallenge.net/data. The videos of MOT17 have no detector's name here.
VIDEOS: Mapping[Benchmark, Mapping[Literal["train", "test"], Mapping[str, int]]] = {
    "MOT15": {
        "train": {
            **{"ADL-Rundle-6": 525, "ADL-Rundle-8": 654, "ETH-Bahnhof": 1000, "ETH-Pedcross2": 837},
            **{"ETH-Sunnyday": 354, "KITTI-13": 340, "KITTI-17": 145, "PETS09-S2L1": 795},
            **{"TUD-Campus": 71, "TUD-Stadtmitte": 179, "Venice-2": 600},
        },
        "test": {
            **{"ADL-Rundle-1": 500, "ADL-Rundle-3": 625, "AVG-TownCentre": 450, "ETH-Crossing": 219},
            **{"ETH-Jelmoli": 440, "ETH-Linthescher": 1194, "KITTI-16": 209, "KITTI-19": 1059},
            **{"PETS09-S2L2": 436, "TUD-Crossing": 201, "Venice-1": 450},
        },
    },
    "MOT16": {
        "train": {f"MOT16-{number}": length for number, length in _MOT16_TRAIN.items()},
        "test": {f"MOT16-{number}": length for number, length in _MOT16_TEST.items()},
    },
    "MOT17": {
        "train": {f"MOT17-{number}": length for number, length in _MOT16_TRAIN.items()},
        "test": {f"MOT17-{number}": length for number, length in _MOT16_TEST.items()},
    },
    "MOT20": {
        "train": {"MOT20-01": 429, "MOT20-02": 2782, "MOT20-03": 2405, "MOT20-05": 3315},
        "test": {"MOT20-04": 2080, "MOT20-06": 1008, "MOT20-07": 585, "MOT20-08": 806},
    },
}

# Frames per second of MOT15's sequences, whose folders come without seqinfo.ini; those of the other benchmarks have
# one. From the tables of Leal-Taixé et al., "MOTChallenge 2015" and motchallenge.net/data/2D_MOT_2015, as they are
# quoted elsewhere. AVG-TownCentre has 2.5 in them, and 2 only where a tool took whole numbers.
FRAME_RATES: Mapping[str, float] = {
    **{"ADL-Rundle-6": 30, "ADL-Rundle-8": 30, "ETH-Bahnhof": 14, "ETH-Pedcross2": 14, "ETH-Sunnyday": 14},
    **{"KITTI-13": 10, "KITTI-17": 10, "PETS09-S2L1": 7, "TUD-Campus": 25, "TUD-Stadtmitte": 25, "Venice-2": 30},
    **{"ADL-Rundle-1": 30, "ADL-Rundle-3": 30, "AVG-TownCentre": 2.5, "ETH-Crossing": 14, "ETH-Jelmoli": 14},
    **{"ETH-Linthescher": 14, "KITTI-16": 10, "KITTI-19": 10, "PETS09-S2L2": 7, "TUD-Crossing": 25, "Venice-1": 30},
}


class SplitError(MotError, ValueError):
    """There is no such split, or a sequence has none; the message names it and what there is."""


def half(split: str, length: int, convention: Convention = "bytetrack") -> tuple[int, int]:
    """First and last frame of one half of a sequence of ``length`` frames, by its original frame numbers.

    FairMOT trains on frames 1 to N//2 and validates on the rest. ByteTrack, as CenterTrack before it, trains on
    one frame more: of MOT17-09's 525 frames on 1 to 263, and validates on 264 to 525.

    Args:
        split: ``train-half`` or ``val-half``.

    Raises:
        SplitError: another split or convention, or the half has no frame.
    """
    if split not in ("train-half", "val-half") or convention not in get_args(Convention):
        raise SplitError(
            f"there is no half {split!r} by {convention!r}; choose train-half or val-half, by bytetrack or fairmot"
        )
    last_trained = length // 2 + (1 if convention == "bytetrack" else 0)
    first, last = (1, min(last_trained, length)) if split == "train-half" else (last_trained + 1, length)
    if first > last:
        raise SplitError(f"{split} by {convention} has no frame in a sequence of {length}; take the whole sequence")
    return first, last


def frame_range(split: str, length: int, convention: Convention = "bytetrack") -> tuple[int, int]:
    """First and last frame of a sequence of ``length`` frames that a split takes: all, or a :func:`half`."""
    return (1, length) if split in ("train", "test") else half(split, length, convention)


def part(split: str) -> Literal["train", "test"]:
    """The folder of the benchmark that a split is taken from; both halves are of ``train``."""
    return "test" if split == "test" else "train"


def video_of(sequence: str) -> str:
    """A sequence's name without MOT17's detector: MOT17-09-FRCNN is MOT17-09, and so are its two copies."""
    return re.sub(rf"^(MOT17-\d\d)-(?:{'|'.join(DETECTORS)})$", r"\1", sequence)


def sequences(benchmark: Benchmark, split: str) -> dict[str, int]:
    """Every sequence that the server knows in a split's part, with its frames: 21 of MOT17, each under 3 names."""
    videos = VIDEOS[benchmark][part(split)]
    if benchmark != "MOT17":
        return dict(videos)
    return {f"{video}-{detector}": length for video, length in videos.items() for detector in DETECTORS}


def benchmark_of(names: Iterable[str]) -> Benchmark | None:
    """The benchmark that all of some sequences belong to; None where there is no such one, or no name."""
    videos = {video_of(name) for name in names}
    for benchmark, parts in VIDEOS.items():
        if videos and videos <= parts["train"].keys() | parts["test"].keys():
            return benchmark
    return None
