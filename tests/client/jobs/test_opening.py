"""client.jobs.opening: sequences whose people are given, with and without pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.detection.given import GivenDetections
from client.jobs.opening import check_extent, check_people, open_input
from client.jobs.spec import JobError, JobSpec, TrackerSpec
from client.jobs.tracking import track_source
from client.outputs.text import MotTextSink
from client.tracking import BotSortConfig, ByteConfig, OverlapReidConfig, TrackerConfig
from client.video.blank import BlankFrames
from client.video.source import Source, VideoError
from mot.sequence import SeqInfo, SequenceError, read_results, write_seqinfo
from tests.client.detection.walkers import LENGTH, walkers, write
from tests.media import numbered_image, write_image


def sequence(folder: Path, *, images: int = 0, length: int = LENGTH) -> Path:
    write_seqinfo(folder / "seqinfo.ini", SeqInfo(name="WALK", frame_rate=10, length=length, width=320, height=240))
    for number in range(1, images + 1):
        write_image(folder / f"img1/{number:06d}.jpg", numbered_image(number, 320, 240))
    return folder


def opened(folder: Path, given: Path, *, tracker: TrackerConfig | None = None, **values: object) -> Source:
    """A job's source, without video, so that pictures are read for the tracker alone."""
    spec = TrackerSpec.of(tracker or OverlapReidConfig())
    job = JobSpec.parse(
        {"input": str(folder), "output": folder, "name": "WALK", "detections": given, "video": False, "tracker": spec}
        | values
    )
    return open_input(job, GivenDetections(given))


def test_blank_frames_count_as_seqinfo_says(tmp_path: Path) -> None:
    given = walkers(tmp_path / "det.txt")
    frames = opened(sequence(tmp_path / "seq"), given, start=3, end=5)
    assert isinstance(frames, BlankFrames)
    assert (frames.name, frames.frame_rate, frames.frame_count) == ("WALK", 10, 3)
    assert [(frame.index, frame.time, frame.image.shape) for frame in frames] == [
        (3, 0.2, (0, 0, 3)),
        (4, 0.3, (0, 0, 3)),
        (5, 0.4, (0, 0, 3)),
    ]
    assert opened(tmp_path / "seq", given, start=7, end=99).frame_count == 2


def test_blank_frames_without_seqinfo_end_with_the_detections(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = opened(tmp_path / "seq", walkers(tmp_path / "seq/det/det.txt"))
    assert (frames.frame_rate, frames.frame_count) == (30, LENGTH)
    assert f"{tmp_path}/seq: no seqinfo.ini; 30 frames per second are assumed" in caplog.text


def test_blank_frames_with_half_a_seqinfo(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = walkers(tmp_path / "seq/det/det.txt")
    (tmp_path / "seq/seqinfo.ini").write_text("[Sequence]\nframeRate=10\n")
    frames = opened(tmp_path / "seq", given)
    assert (frames.frame_rate, frames.frame_count) == (10, LENGTH) and not caplog.text
    (tmp_path / "seq/seqinfo.ini").write_text(f"[Sequence]\nseqLength={LENGTH + 2}\n")
    frames = opened(tmp_path / "seq", given)
    assert (frames.frame_rate, frames.frame_count) == (30, LENGTH + 2)
    assert "no frameRate in seqinfo.ini; 30 frames per second are assumed" in caplog.text


def test_blank_frames_of_mot15_without_seqinfo_have_the_published_rate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = walkers(tmp_path / "PETS09-S2L2/det/det.txt")
    assert opened(tmp_path / "PETS09-S2L2", given).frame_rate == 7
    assert not caplog.text


def test_detections_of_another_sequence_are_refused(tmp_path: Path) -> None:
    given = walkers(tmp_path / "det.txt")
    with pytest.raises(SequenceError, match=r"det\.txt: has detections in frame 8, but the sequence has 5 frames"):
        opened(sequence(tmp_path / "seq", length=5), given)


def test_start_beyond_the_end(tmp_path: Path) -> None:
    given = walkers(tmp_path / "det.txt")
    with pytest.raises(VideoError, match="start 9 is beyond the end; it has 8 frames"):
        opened(sequence(tmp_path / "seq"), given, start=9)


def test_empty_file_of_detections_without_seqinfo_says_so(tmp_path: Path) -> None:
    (tmp_path / "seq").mkdir()
    given = write(tmp_path / "det.txt")
    with pytest.raises(SequenceError, match=r"det\.txt: holds no detection, and .*seq no seqinfo\.ini"):
        opened(tmp_path / "seq", given)


def test_empty_file_of_detections_with_seqinfo_is_a_sequence_without_people(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = write(tmp_path / "det.txt")
    assert opened(sequence(tmp_path / "seq"), given).frame_count == LENGTH
    check_people(GivenDetections(given), ByteConfig())
    assert f"{given}: holds no detection; nobody will be tracked" in caplog.text


def test_detections_that_all_score_too_low_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = GivenDetections(walkers(tmp_path / "det.txt"))
    check_people(given, OverlapReidConfig(conf_thres=0.9))
    assert not caplog.text
    check_people(given, OverlapReidConfig(conf_thres=0.95))
    assert "no detection scores as much as 0.95, from which people are tracked (the best is 0.9)" in caplog.text


def test_camera_motion_without_pictures_names_the_setting(tmp_path: Path) -> None:
    given = walkers(tmp_path / "det.txt")
    with pytest.raises(VideoError, match=r"botsort reads the camera's motion .*--tracker-set camera_motion=false"):
        opened(sequence(tmp_path / "seq"), given, tracker=BotSortConfig())
    assert opened(tmp_path / "seq", given, tracker=BotSortConfig(camera_motion=False)).frame_count == LENGTH


def test_fewer_images_than_wanted(tmp_path: Path) -> None:
    job = JobSpec(input=str(sequence(tmp_path / "seq", images=5)), output=tmp_path, name="WALK", end=8, length=8)
    with pytest.raises(JobError, match="frames 1 to 8 are wanted, but there are images of 5 of them; fetch the rest"):
        open_input(job, None)


@pytest.mark.parametrize("config", [OverlapReidConfig(), ByteConfig()], ids=["overlap_reid", "byte"])
def test_pictures_change_nothing_for_a_tracker_that_needs_none(tmp_path: Path, config: TrackerConfig) -> None:
    given = GivenDetections(walkers(tmp_path / "det.txt"))
    folder = sequence(tmp_path / "seq", images=LENGTH)
    assert not config.needs_images
    for name, video in (("blank", False), ("real", True)):
        with opened(folder, given.path, video=video) as source:
            summary = track_source(source, given, [MotTextSink(tmp_path / f"{name}.txt")], config=config)
        assert (summary.frames, summary.boxes, summary.ids) == (LENGTH, 2 * LENGTH, 2)
    assert (tmp_path / "blank.txt").read_bytes() == (tmp_path / "real.txt").read_bytes()
    rows = read_results(tmp_path / "real.txt")
    assert np.bincount(rows.frames).tolist() == [0] + [2] * LENGTH


@pytest.mark.parametrize("camera_motion", [True, False])
def test_botsort_looks_at_pictures_where_it_follows_the_camera(tmp_path: Path, camera_motion: bool) -> None:
    config = BotSortConfig(camera_motion=camera_motion, conf_thres=0.5)
    assert config.needs_images is camera_motion
    given = GivenDetections(walkers(tmp_path / "det.txt"))
    with opened(sequence(tmp_path / "seq", images=LENGTH), given.path, tracker=config) as source:
        assert isinstance(source, BlankFrames) is not camera_motion
        assert track_source(source, given, [], config=config).ids == 2


def test_detections_behind_the_end_of_a_video_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """AIFARMS/AVAT issue 64, wangxiao5791509/TNL2K issue 8: annotations of another cut of the video."""
    given = GivenDetections(walkers(tmp_path / "det.txt", range(1, 31)))
    job = JobSpec(input="walk.mp4", output=tmp_path, name="walk", start=3)
    check_extent(given, job, 28)
    assert not caplog.text
    check_extent(given, job, 10)
    assert "has detections up to frame 30, but walk.mp4 ends with frame 12; are they of another video?" in caplog.text
    caplog.clear()
    check_extent(given, job.model_copy(update={"end": 12}), 10)
    assert not caplog.text
