"""What is found in a benchmark's folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from client.challenge.task import ChallengeError, find_challenge
from client.video.images import open_folder
from client.video.source import Window
from mot.sequence import SequenceError
from mot.splits import SplitError, sequences
from tests.client.challenge.benchmark import make_benchmark, make_detections, make_sequence

DETECTORS = ("DPM", "FRCNN", "SDP")


def copies(video: str) -> tuple[str, ...]:
    return tuple(f"{video}-{detector}" for detector in DETECTORS)


def test_each_video_of_mot17_is_tracked_once_for_its_three_sequences(tmp_path: Path) -> None:
    root = make_benchmark(
        tmp_path / "MOT17", {f"train/{name}": 4 for v in ("02", "09") for name in copies(f"MOT17-{v}")}
    )
    found = find_challenge(root, "train")
    assert (found.benchmark, found.split) == ("MOT17", "train")
    assert [task.name for task in found.tasks] == ["MOT17-02", "MOT17-09"]
    assert [task.results for task in found.tasks] == [copies("MOT17-02"), copies("MOT17-09")]
    assert found.tasks[0].folder == root / "train/MOT17-02-FRCNN"
    assert found.missing == ("MOT17-04", "MOT17-05", "MOT17-10", "MOT17-11", "MOT17-13")


def test_the_test_split_has_the_servers_21_files_from_seven_folders(tmp_path: Path) -> None:
    names = [f"test/MOT17-{number}-SDP" for number in ("01", "03", "06", "07", "08", "12", "14")]
    found = find_challenge(make_benchmark(tmp_path, dict.fromkeys(names, 2)), "test")
    results = [name for task in found.tasks for name in task.results]
    assert len(found.tasks) == 7 and len(results) == 21
    assert set(results) == sequences("MOT17", "test").keys()
    assert found.missing == ()


def test_outside_of_the_test_split_only_the_copies_at_hand_are_written(tmp_path: Path) -> None:
    found = find_challenge(make_benchmark(tmp_path, {"train/MOT17-02-DPM": 4}), "train")
    assert found.tasks[0].results == ("MOT17-02-DPM",)
    assert "MOT17-02" not in found.missing and "MOT17-04" in found.missing


def test_the_copy_with_images_is_read(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {"train/MOT17-02-SDP": 4})
    make_sequence(tmp_path / "train/MOT17-02-FRCNN", 4, images=0)
    (tmp_path / "train/MOT17-02-FRCNN/img1").rmdir()
    task = find_challenge(tmp_path, "train").tasks[0]
    assert task.folder.name == "MOT17-02-SDP"
    assert task.results == ("MOT17-02-FRCNN", "MOT17-02-SDP")


@pytest.mark.parametrize(
    ("split", "half", "frames"),
    [
        ("train", "bytetrack", (1, 525)),
        ("train-half", "bytetrack", (1, 263)),
        ("val-half", "bytetrack", (264, 525)),
        ("val-half", "fairmot", (263, 525)),
    ],
)
def test_frames_of_a_split(tmp_path: Path, split: str, half: str, frames: tuple[int, int]) -> None:
    make_sequence(tmp_path / "train/MOT17-09-FRCNN", 525, images=0)
    task = find_challenge(tmp_path, split, convention=half).tasks[0]  # type: ignore[arg-type]
    assert (task.first, task.last) == frames
    assert task.frames == frames[1] - frames[0] + 1
    assert (task.length, task.frame_rate) == (525, 30)


@pytest.mark.parametrize("folder", ["MOT20", "MOT20/test"])
def test_root_may_be_the_folder_of_the_sequences(tmp_path: Path, folder: str) -> None:
    make_benchmark(tmp_path / "MOT20", {"test/MOT20-04": 3, "test/MOT20-06": 3})
    found = find_challenge(tmp_path / folder, "test")
    assert [(task.name, task.results) for task in found.tasks] == [
        ("MOT20-04", ("MOT20-04",)),
        ("MOT20-06", ("MOT20-06",)),
    ]
    assert found.missing == ("MOT20-07", "MOT20-08")


def test_length_of_mot15_is_counted_where_seqinfo_is_missing(tmp_path: Path) -> None:
    make_sequence(tmp_path / "2DMOT2015/train/Venice-2", 5, seqinfo=False)
    found = find_challenge(tmp_path / "2DMOT2015", "val-half")
    assert found.benchmark == "MOT15"
    assert (found.tasks[0].length, found.tasks[0].first) == (5, 4)


@pytest.mark.parametrize("detections", [None, "public"])
def test_rate_of_mot15_is_the_published_one_where_seqinfo_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, detections: str | None
) -> None:
    for name in ("AVG-TownCentre", "PETS09-S2L2", "Venice-1"):
        make_sequence(tmp_path / "2DMOT2015/test" / name, 5, seqinfo=False, detections=True)
    tasks = find_challenge(tmp_path / "2DMOT2015", "test", detections=detections).tasks
    assert {task.name: task.frame_rate for task in tasks} == {"AVG-TownCentre": 2.5, "PETS09-S2L2": 7, "Venice-1": 30}
    for task in tasks:  # the pictures are tracked at the same rate
        with open_folder(task.folder, Window()) as source:
            assert source.frame_rate == task.frame_rate
    assert not caplog.text


def test_rate_of_other_sequences_is_assumed_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_sequence(tmp_path / "shop/train/door", 5, seqinfo=False)
    assert find_challenge(tmp_path / "shop", "train").tasks[0].frame_rate == 30
    assert "door: no seqinfo.ini; 30 frames per second are assumed" in caplog.text


def test_sequences_of_ones_own(tmp_path: Path) -> None:
    found = find_challenge(make_benchmark(tmp_path / "shop", {"train/door": 4, "train/till": 6}), "val-half")
    assert found.benchmark is None and found.missing == ()
    assert [(task.name, task.results, task.first, task.last) for task in found.tasks] == [
        ("door", ("door",), 4, 4),
        ("till", ("till",), 5, 6),
    ]


def test_other_folders_are_passed_over(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {"train/MOT20-01": 3, "train/mine": 3})
    (tmp_path / "train/notes").mkdir()
    assert [task.name for task in find_challenge(tmp_path, "train").tasks] == ["MOT20-01"]


def test_public_detections_track_each_sequence_for_itself(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {f"train/{name}": 4 for name in copies("MOT17-02")}, detections=True)
    found = find_challenge(tmp_path, "train", detections="public")
    assert [(task.name, task.results) for task in found.tasks] == [(name, (name,)) for name in copies("MOT17-02")]
    assert [task.detections for task in found.tasks] == [task.folder / "det/det.txt" for task in found.tasks]


def test_public_detections_of_a_test_split_miss_every_copy(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {"test/MOT17-01-SDP": 4, "test/MOT17-03-DPM": 4}, detections=True)
    found = find_challenge(tmp_path, "test", detections="public")
    assert len(found.missing) == 19
    assert "MOT17-01-DPM" in found.missing and "MOT17-01-SDP" not in found.missing


def test_public_detections_need_no_images_and_no_seqinfo(tmp_path: Path) -> None:
    make_detections(tmp_path / "train/MOT17-09-FRCNN/det/det.txt", 500)
    make_detections(tmp_path / "train/MOT20-01/det/det.txt", 7)
    task = find_challenge(tmp_path, "val-half", benchmark="MOT17", detections="public").tasks[0]
    assert (task.name, task.length, task.first) == ("MOT17-09-FRCNN", 525, 264)


def test_a_folder_of_detections(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {"train/MOT20-01": 3, "train/MOT20-02": 3})
    found = [make_detections(tmp_path / f"dets/MOT20-0{k}.txt", 3) for k in (1, 2)]
    tasks = find_challenge(tmp_path, "train", detections=str(tmp_path / "dets")).tasks
    assert [task.detections for task in tasks] == found


def test_one_file_of_detections_for_one_sequence(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {"train/MOT20-01": 3})
    path = make_detections(tmp_path / "mine.txt", 3)
    assert find_challenge(tmp_path, "train", detections=str(path)).tasks[0].detections == path
    make_sequence(tmp_path / "train/MOT20-02", 3)
    with pytest.raises(ChallengeError, match="one file cannot fit several sequences"):
        find_challenge(tmp_path, "train", detections=str(path))


@pytest.mark.parametrize("detections", ["public", "dets"])
def test_missing_detections(tmp_path: Path, detections: str) -> None:
    root = make_benchmark(tmp_path, {"train/MOT20-01": 3})
    (tmp_path / "dets").mkdir()
    choice = detections if detections == "public" else str(tmp_path / detections)
    with pytest.raises(ChallengeError, match="no such file; expected the detections of MOT20-01"):
        find_challenge(root, "train", detections=choice)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ChallengeError, match=rf"{tmp_path}/MOT17: no such folder; give the benchmark's"):
        find_challenge(tmp_path / "MOT17", "train")


def test_no_sequence(tmp_path: Path) -> None:
    with pytest.raises(ChallengeError, match=rf"{tmp_path}: holds no sequence, a folder with img1/"):
        find_challenge(tmp_path, "train")


def test_training_sequences_are_not_taken_for_the_test_split(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {"MOT17-02-FRCNN": 3})
    with pytest.raises(ChallengeError, match="holds no sequence of MOT17's part test, but MOT17-02-FRCNN"):
        find_challenge(tmp_path, "test")


def test_several_benchmarks_in_one_folder(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {"train/MOT16-02": 3, "train/MOT20-01": 3})
    with pytest.raises(ChallengeError, match=r"sequences of MOT16 and MOT20; choose with --benchmark"):
        find_challenge(tmp_path, "train")
    assert [task.name for task in find_challenge(tmp_path, "train", benchmark="MOT20").tasks] == ["MOT20-01"]


def test_malformed_seqinfo(tmp_path: Path) -> None:
    folder = make_sequence(tmp_path / "train/MOT20-01", 3)
    (folder / "seqinfo.ini").write_text("[Sequence]\nname=MOT20-01\nimDir=\n")
    with pytest.raises(SequenceError, match=re.escape(f"{folder}/seqinfo.ini: key imDir is empty")):
        find_challenge(tmp_path, "train")


def test_length_is_counted_and_the_rate_assumed_where_seqinfo_does_not_say(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_sequence(tmp_path / "train/MOT20-01", 3)
    (folder / "seqinfo.ini").write_text("[Sequence]\nimExt=.png\n")
    (task,) = find_challenge(tmp_path, "train").tasks
    assert (task.name, task.length, task.frame_rate) == ("MOT20-01", 3, 30)
    assert "MOT20-01: no frameRate in seqinfo.ini; 30 frames per second are assumed" in caplog.text


def test_sequence_too_short_for_a_half(tmp_path: Path) -> None:
    make_benchmark(tmp_path, {"train/MOT20-01": 1})
    with pytest.raises(SplitError, match="val-half by bytetrack has no frame"):
        find_challenge(tmp_path, "val-half")
