"""Detections from a file: what each frame gets, and tracks without a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.detection.given import BlankFrames, GivenDetections, associate, open_blank
from client.jobs.job import associate_video
from client.outputs.text import MotTextSink
from client.pipeline.stages import Stages
from client.tracking import BotSortConfig, ByteConfig, OverlapReidConfig, TrackerConfig
from client.video.open import open_source
from client.video.source import VideoError
from mot.sequence import SeqInfo, SequenceError, read_results, write_seqinfo
from tests.media import numbered_image, write_image

LENGTH = 8


def write(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


def walkers(path: Path, frames: range = range(1, LENGTH + 1)) -> Path:
    """Two people who walk to the right, the second one scored higher; the rows begin with the last frame."""
    rows = [f"{n},-1,{10 + 3 * n},20,20,50,0.8\n{n},-1,{200 + 3 * n},20,20,50,0.9" for n in reversed(frames)]
    return write(path, *rows)


def sequence(folder: Path, *, images: int = 0, length: int = LENGTH) -> Path:
    write_seqinfo(folder / "seqinfo.ini", SeqInfo(name="WALK", frame_rate=10, length=length, width=320, height=240))
    for number in range(1, images + 1):
        write_image(folder / f"img1/{number:06d}.jpg", numbered_image(number, 320, 240))
    return folder


def test_rows_come_frame_by_frame_best_first(tmp_path: Path) -> None:
    given = GivenDetections(walkers(tmp_path / "det.txt", range(2, 4)))
    assert given.last_frame == 3
    assert [len(given.at(frame)) for frame in range(6)] == [0, 0, 2, 2, 0, 0]
    assert given.at(3).boxes.tolist() == [[209, 20, 229, 70], [19, 20, 39, 70]]
    assert given.at(3).scores.tolist() == pytest.approx([0.9, 0.8])
    assert given.at(3).embeddings.shape == (2, 0)


def test_scores_stay_as_they_are(tmp_path: Path) -> None:
    """DPM's scores of MOT17 run from below 0 to beyond 1."""
    rows = [f"{n},-1,{10 * k + 10},20,9,30,{score}" for n in range(1, 4) for k, score in enumerate((2.5, 0.1, -0.5))]
    given = GivenDetections(write(tmp_path / "det.txt", *rows))
    assert given.at(1).scores.tolist() == pytest.approx([2.5, 0.1, -0.5])
    for config in (ByteConfig(), OverlapReidConfig(conf_thres=0.05)):
        tracker = config.tracker(30)
        frames = BlankFrames("x", first=1, last=3, frame_rate=30)
        shown = [len(each.tracks) for each in associate(frames, given, tracker, Stages())]
        assert shown == [1 if isinstance(config, ByteConfig) else 2] * 3


def test_no_detection_at_all(tmp_path: Path) -> None:
    given = GivenDetections(write(tmp_path / "det.txt"))
    assert given.last_frame == 0
    assert len(given.at(1)) == 0
    given.check_length(1)


@pytest.mark.parametrize("row", ["1,-1,10,20,30", "1,-1,10,20,0,40,1", "0,-1,1,1,1,1,1", "1,-1,nan,1,1,1,1"])
def test_malformed_rows_name_file_and_line(tmp_path: Path, row: str) -> None:
    path = write(tmp_path / "det.txt", "1,-1,10,20,30,40,1", row)
    with pytest.raises(SequenceError, match=rf"{path}:2: "):
        GivenDetections(path)


def test_blank_frames_count_as_seqinfo_says(tmp_path: Path) -> None:
    given = GivenDetections(walkers(tmp_path / "det.txt"))
    frames = open_blank(sequence(tmp_path / "seq"), given, 3, 5)
    assert (frames.name, frames.frame_rate, frames.frame_count) == ("WALK", 10, 3)
    assert [(frame.index, frame.time, frame.image.shape) for frame in frames] == [
        (3, 0.2, (0, 0, 3)),
        (4, 0.3, (0, 0, 3)),
        (5, 0.4, (0, 0, 3)),
    ]
    assert open_blank(tmp_path / "seq", given, 7, 99).frame_count == 2


def test_blank_frames_without_seqinfo_end_with_the_detections(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = GivenDetections(walkers(tmp_path / "seq/det/det.txt"))
    frames = open_blank(tmp_path / "seq", given)
    assert (frames.name, frames.frame_rate, frames.frame_count) == ("seq", 30, LENGTH)
    assert f"{tmp_path}/seq: no seqinfo.ini; 30 frames per second are assumed" in caplog.text


def test_blank_frames_of_mot15_without_seqinfo_have_the_published_rate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = GivenDetections(walkers(tmp_path / "PETS09-S2L2/det/det.txt"))
    assert open_blank(tmp_path / "PETS09-S2L2", given).frame_rate == 7
    assert not caplog.text


def test_detections_of_another_sequence_are_refused(tmp_path: Path) -> None:
    given = GivenDetections(walkers(tmp_path / "det.txt"))
    with pytest.raises(SequenceError, match=r"det\.txt: has detections in frame 8, but the sequence has 5 frames"):
        open_blank(sequence(tmp_path / "seq", length=5), given)


def test_start_beyond_the_end(tmp_path: Path) -> None:
    given = GivenDetections(walkers(tmp_path / "det.txt"))
    with pytest.raises(VideoError, match="start 9 is beyond the end; it has 8 frames"):
        open_blank(sequence(tmp_path / "seq"), given, 9)


@pytest.mark.parametrize("config", [OverlapReidConfig(), ByteConfig()], ids=["overlap_reid", "byte"])
def test_pictures_change_nothing_for_a_tracker_that_needs_none(tmp_path: Path, config: TrackerConfig) -> None:
    given = GivenDetections(walkers(tmp_path / "det.txt"))
    folder = sequence(tmp_path / "seq", images=LENGTH)
    assert not config.needs_images
    for name, source in (("blank", open_blank(folder, given)), ("real", open_source(str(folder)))):
        summary = associate_video(source, given, [MotTextSink(tmp_path / f"{name}.txt")], config=config)
        assert (summary.frames, summary.boxes, summary.ids) == (LENGTH, 2 * LENGTH, 2)
        assert summary.milliseconds.keys() == {"decode", "associate", "render/encode"}
    assert (tmp_path / "blank.txt").read_bytes() == (tmp_path / "real.txt").read_bytes()
    rows = read_results(tmp_path / "real.txt")
    assert np.bincount(rows.frames).tolist() == [0] + [2] * LENGTH


@pytest.mark.parametrize("camera_motion", [True, False])
def test_botsort_looks_at_pictures_where_it_follows_the_camera(tmp_path: Path, camera_motion: bool) -> None:
    config = BotSortConfig(camera_motion=camera_motion, conf_thres=0.5)
    assert config.needs_images is camera_motion
    given = GivenDetections(walkers(tmp_path / "det.txt"))
    with open_source(str(sequence(tmp_path / "seq", images=LENGTH))) as source:
        assert associate_video(source, given, [], config=config).ids == 2
