"""Detections from a file: what each frame gets, and tracks without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.detection.given import GivenDetections
from client.pipeline.track import track
from client.tracking import ByteConfig, OverlapReidConfig
from client.video.blank import BlankFrames
from mot.sequence import SequenceError
from tests.client.detection.walkers import walkers, write


def test_rows_come_frame_by_frame_best_first(tmp_path: Path) -> None:
    given = GivenDetections(walkers(tmp_path / "det.txt", range(2, 4)))
    assert (given.last_frame, given.best_score) == (3, pytest.approx(0.9))
    assert [len(given.at(frame)) for frame in range(6)] == [0, 0, 2, 2, 0, 0]
    assert given.at(3).boxes.tolist() == [[209, 20, 229, 70], [19, 20, 39, 70]]
    assert given.at(3).scores.tolist() == pytest.approx([0.9, 0.8])
    assert len(given.at(3)) == 2 and given.at(3).embeddings is None


def test_scores_stay_as_they_are(tmp_path: Path) -> None:
    """DPM's scores of MOT17 run from below 0 to beyond 1."""
    rows = [f"{n},-1,{10 * k + 10},20,9,30,{score}" for n in range(1, 4) for k, score in enumerate((2.5, 0.1, -0.5))]
    given = GivenDetections(write(tmp_path / "det.txt", *rows))
    assert given.at(1).scores.tolist() == pytest.approx([2.5, 0.1, -0.5])
    for config in (ByteConfig(), OverlapReidConfig(conf_thres=0.05)):
        tracker = config.tracker(30)
        frames = BlankFrames("x", first=1, last=3, frame_rate=30)
        shown = [len(each.tracks) for each in track(frames, given, tracker)]
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
