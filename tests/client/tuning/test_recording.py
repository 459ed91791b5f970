"""client.tuning.recording: what is kept of a sequence, and what a tracker makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.detection.detector import FakeDetector
from client.tracking import OverlapReidConfig
from client.tuning.recording import FLOOR, Recording, RecordingError, read_recording, record, replay, without_embeddings
from mot.detections import Detections
from mot.frame import Frame
from mot.sequence import format_rows, read_results


def walkers(frame: Frame) -> Detections:
    """Two people who walk to the right, and a doubtful third; nobody in frame 6."""
    if frame.index == 6:
        return Detections.empty(4)
    x = 5.0 * frame.index
    return Detections(
        boxes=np.array([[x, 10, x + 40, 110], [x + 200, 10, x + 240, 110], [400, 10, 440, 110]], np.float32),
        scores=np.array([0.9, 0.8, FLOOR / 2], np.float32),
        embeddings=np.eye(3, 4, dtype=np.float32),
    )


def frames(first: int = 3, last: int = 12) -> list[Frame]:
    image = np.zeros((120, 500, 3), np.uint8)
    return [Frame(index=index, image=image, time=(index - 1) / 10) for index in range(first, last + 1)]


@pytest.fixture
def recording() -> Recording:
    return record(frames(), FakeDetector(walkers), 10.0, model="fake")


def test_every_frame_is_kept_and_faint_ones_are_not(recording: Recording) -> None:
    assert recording.frames.tolist() == list(range(3, 13))
    assert [len(found) for found in recording.detections] == [2, 2, 2, 0, 2, 2, 2, 2, 2, 2]
    assert recording.times[0] == 0.2 and recording.frame_rate == 10


def test_a_file_gives_back_what_was_recorded(recording: Recording, tmp_path: Path) -> None:
    recording.save(tmp_path / "a.npz")
    again = read_recording(tmp_path / "a.npz")
    assert again.model == "fake" and again.frame_rate == 10
    np.testing.assert_array_equal(again.frames, recording.frames)
    np.testing.assert_array_equal(again.times, recording.times)
    for one, other in zip(again.detections, recording.detections, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_allclose(one.embeddings, other.embeddings, atol=1e-3)


def test_replayed_rows_are_those_of_the_result_file(recording: Recording, tmp_path: Path) -> None:
    tracker = OverlapReidConfig().tracker(10)
    text = [
        format_rows(frame, tracker.update(found, time=time))
        for frame, time, found in zip(
            recording.frames.tolist(), recording.times.tolist(), recording.detections, strict=True
        )
    ]
    (tmp_path / "a.txt").write_text("".join(text))
    expected, rows = read_results(tmp_path / "a.txt"), replay(recording, OverlapReidConfig().tracker(10))
    assert len(rows) > 15
    for name, values in vars(expected).items():
        np.testing.assert_array_equal(getattr(rows, name), values, err_msg=name)


def test_nobody_in_no_frame(tmp_path: Path) -> None:
    nothing = record([], FakeDetector(walkers), 30.0)
    assert len(nothing) == 0 and len(replay(nothing, OverlapReidConfig().tracker(30))) == 0
    empty = record(frames(6, 6), FakeDetector(walkers), 30.0)
    empty.save(tmp_path / "a.npz")
    assert len(replay(read_recording(tmp_path / "a.npz"), OverlapReidConfig().tracker(30))) == 0


def test_without_embeddings_the_boxes_stay(recording: Recording) -> None:
    bare = without_embeddings(recording)
    np.testing.assert_array_equal(bare.detections[0].boxes, recording.detections[0].boxes)
    assert len(replay(bare, OverlapReidConfig().tracker(10))) > 15


def test_other_files_are_refused(tmp_path: Path, recording: Recording) -> None:
    with pytest.raises(RecordingError, match=r"a\.npz: no such recording"):
        read_recording(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_text("1,2,3\n")
    with pytest.raises(RecordingError, match=r"a\.npz: is no recording"):
        read_recording(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", boxes=np.zeros((3, 4)))
    with pytest.raises(RecordingError, match=r"a\.npz: is no recording"):
        read_recording(tmp_path / "a.npz")
    recording.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as content:
        np.savez(tmp_path / "b.npz", **{**content, "counts": content["counts"][1:]})
    with pytest.raises(RecordingError, match=r"b\.npz: is no recording .* parts do not fit"):
        read_recording(tmp_path / "b.npz")


def test_a_source_without_embeddings_has_none_afterwards(recording: Recording, tmp_path: Path) -> None:
    without_embeddings(recording).save(tmp_path / "a.npz")
    assert all(found.embeddings is None for found in read_recording(tmp_path / "a.npz").detections)
