"""The benchmarks' sequences and halves, against the figures that their papers and pages give."""

from __future__ import annotations

from typing import Any

import pytest

from mot.splits import FRAME_RATES, VIDEOS, SplitError, benchmark_of, frame_range, half, part, sequences, video_of


@pytest.mark.parametrize(
    ("name", "part", "count", "frames"),
    [
        ("MOT15", "train", 11, 5500),
        ("MOT15", "test", 11, 5783),
        ("MOT16", "train", 7, 5316),
        ("MOT16", "test", 7, 5919),
        ("MOT17", "train", 7, 5316),
        ("MOT17", "test", 7, 5919),
        ("MOT20", "train", 4, 8931),
        ("MOT20", "test", 4, 4479),
    ],
)
def test_benchmarks_have_their_published_videos_and_frames(name: Any, part: Any, count: int, frames: int) -> None:
    videos = VIDEOS[name][part]
    assert (len(videos), sum(videos.values())) == (count, frames)


def test_mot15_has_a_rate_for_each_video() -> None:
    videos = VIDEOS["MOT15"]
    assert FRAME_RATES.keys() == videos["train"].keys() | videos["test"].keys()
    assert FRAME_RATES["AVG-TownCentre"] == 2.5
    assert set(FRAME_RATES.values()) == {2.5, 7, 10, 14, 25, 30}


@pytest.mark.parametrize(
    ("split", "length", "convention", "expected"),
    [
        ("train-half", 525, "bytetrack", (1, 263)),
        ("val-half", 525, "bytetrack", (264, 525)),
        ("train-half", 525, "fairmot", (1, 262)),
        ("val-half", 525, "fairmot", (263, 525)),
        ("train-half", 600, "bytetrack", (1, 301)),
        ("val-half", 600, "bytetrack", (302, 600)),
        ("train-half", 600, "fairmot", (1, 300)),
        ("val-half", 600, "fairmot", (301, 600)),
        ("train-half", 1, "bytetrack", (1, 1)),
        ("val-half", 3, "bytetrack", (3, 3)),
        ("val-half", 1, "fairmot", (1, 1)),
    ],
)
def test_halves(split: str, length: int, convention: Any, expected: tuple[int, int]) -> None:
    assert half(split, length, convention) == expected
    assert frame_range(split, length, convention) == expected


@pytest.mark.parametrize("convention", ["bytetrack", "fairmot"])
def test_halves_of_mot17_have_the_frames_that_the_projects_name(convention: Any) -> None:
    ranges = {
        split: [half(split, length, convention) for length in VIDEOS["MOT17"]["train"].values()]
        for split in ("train-half", "val-half")
    }
    counts = {split: sum(last - first + 1 for first, last in each) for split, each in ranges.items()}
    expected = {"bytetrack": (2664, 2652), "fairmot": (2657, 2659)}[convention]
    assert (counts["train-half"], counts["val-half"]) == expected


@pytest.mark.parametrize(
    ("split", "length", "convention", "message"),
    [
        ("train", 10, "fairmot", "no half 'train' by 'fairmot'"),
        ("val-half", 10, "jde", "no half 'val-half' by 'jde'"),
        ("train-half", 1, "fairmot", "train-half by fairmot has no frame in a sequence of 1"),
        ("val-half", 2, "bytetrack", "val-half by bytetrack has no frame in a sequence of 2"),
    ],
)
def test_halves_that_do_not_exist(split: str, length: int, convention: Any, message: str) -> None:
    with pytest.raises(SplitError, match=message):
        half(split, length, convention)


@pytest.mark.parametrize("split", ["train", "test"])
def test_whole_sequences(split: str) -> None:
    assert frame_range(split, 7) == (1, 7)
    assert part(split) == split


def test_both_halves_are_of_the_training_part() -> None:
    assert part("val-half") == part("train-half") == "train"


def test_the_server_wants_21_files_of_mot17() -> None:
    expected = {
        f"MOT17-{number}-{detector}"
        for number in ("01", "03", "06", "07", "08", "12", "14")
        for detector in ("DPM", "FRCNN", "SDP")
    }
    found = sequences("MOT17", "test")
    assert len(expected) == 21 and found.keys() == expected
    assert found["MOT17-03-SDP"] == 1500


def test_other_benchmarks_have_each_video_once() -> None:
    assert sequences("MOT20", "test") == {"MOT20-04": 2080, "MOT20-06": 1008, "MOT20-07": 585, "MOT20-08": 806}
    assert len(sequences("MOT16", "val-half")) == 7


@pytest.mark.parametrize(
    ("name", "video"),
    [
        ("MOT17-09-FRCNN", "MOT17-09"),
        ("MOT17-09-DPM", "MOT17-09"),
        ("MOT17-09", "MOT17-09"),
        ("MOT17-09-YOLO", "MOT17-09-YOLO"),
        ("MOT16-09", "MOT16-09"),
        ("ETH-Sunnyday-SDP", "ETH-Sunnyday-SDP"),
    ],
)
def test_names_without_the_detector(name: str, video: str) -> None:
    assert video_of(name) == video


@pytest.mark.parametrize(
    ("names", "benchmark"),
    [
        (["MOT17-09-SDP", "MOT17-14"], "MOT17"),
        (["MOT16-01"], "MOT16"),
        (["KITTI-13", "Venice-1"], "MOT15"),
        (["MOT20-08"], "MOT20"),
        (["MOT20-08", "MOT17-09"], None),
        (["street"], None),
        ([], None),
    ],
)
def test_benchmark_by_its_sequences(names: list[str], benchmark: str | None) -> None:
    assert benchmark_of(names) == benchmark
