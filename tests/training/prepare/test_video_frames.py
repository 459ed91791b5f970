from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media import make_video, names, number_of, numbered_image
from tests.training.prepare.snapshot import snapshot
from training.data.labels import DataError
from training.prepare.video_frames import video_to_images


def numbers(paths: list[Path]) -> list[int]:
    return [number_of(np.asarray(cv2.imread(str(path)), np.uint8)) for path in paths]


def test_chosen_frames_of_a_video(tmp_path: Path) -> None:
    video = make_video(tmp_path / "v.mp4", [numbered_image(i) for i in range(1, 8)])
    paths = video_to_images(video, tmp_path / "images", range(2, 7, 2))
    assert [path.name for path in paths] == ["000002.jpg", "000004.jpg", "000006.jpg"]
    assert names(tmp_path / "images") == {path.name for path in paths}
    assert numbers(paths) == [2, 4, 6]
    before = snapshot(tmp_path / "images")
    video_to_images(video, tmp_path / "images", range(2, 7, 2))
    assert snapshot(tmp_path / "images") == before


def test_all_frames_and_those_that_an_interrupted_run_left_out(tmp_path: Path) -> None:
    video = make_video(tmp_path / "v.mp4", [numbered_image(i) for i in range(1, 5)])
    paths = video_to_images(video, tmp_path / "images")
    assert numbers(paths) == [1, 2, 3, 4]
    before = snapshot(tmp_path / "images")
    paths[2].unlink()
    assert video_to_images(video, tmp_path / "images") == paths
    after = snapshot(tmp_path / "images")
    assert {name for name in after if after[name][1] != before[name][1]} == {"000003.jpg"}


def test_a_video_that_is_too_short_or_none(tmp_path: Path) -> None:
    video = make_video(tmp_path / "v.mp4", [numbered_image(i) for i in range(3)])
    with pytest.raises(DataError, match=r"v\.mp4: has no frame 4"):
        video_to_images(video, tmp_path / "images", range(1, 6))
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    for path in (text, tmp_path / "gone.mp4"):
        with pytest.raises(DataError, match=rf"{path.name}: cannot be read as a video"):
            video_to_images(path, tmp_path / "other", range(1, 2))
