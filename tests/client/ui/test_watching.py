"""client.ui.work.watching: what a job's pictures show, and when it is ended."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from client.pipeline.tracked import TrackedFrame
from client.ui.results import SCENE
from client.ui.work.faults import FaultError
from client.ui.work.watching import PORTRAITS, PREVIEW, JobWatch
from mot.detections import Detections, Tracks
from mot.frame import Frame

GRAIN = np.random.default_rng(3).integers(0, 255, (240, 320, 3)).astype(np.uint8)
TRACKED, FOUND = [40.0, 60, 100, 220], [180.0, 60, 240, 220]  # boxes; nobody follows the second
HEADS = {"tracked": np.s_[62:90, 45:95], "only found": np.s_[62:90, 185:235]}
ELSEWHERE = np.s_[62:90, 120:170]


def tracked(index: int = 1, time: float = 0.0) -> TrackedFrame:
    boxes = np.array([TRACKED, FOUND], np.float32)
    return TrackedFrame(
        frame=Frame(index=index, image=GRAIN, time=time),
        tracks=Tracks(ids=np.array([7]), boxes=boxes[:1], scores=np.ones(1, np.float32), detections=np.array([0])),
        detections=Detections(boxes=boxes, scores=np.array([0.9, 0.35], np.float32)),
    )


def grain(path: Path) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path)), np.uint8)


@pytest.mark.parametrize("hide", [False, True])
def test_blurred_heads_are_blurred_in_every_picture(tmp_path: Path, hide: bool) -> None:
    watch = JobWatch(tmp_path, most_seconds=10)
    if hide:
        watch.hide_heads()
    watch.frame(tracked())
    watch.finish(tmp_path)
    for name in (SCENE, PREVIEW):
        picture = grain(tmp_path / name)
        sharp = picture[ELSEWHERE].std()
        for who, head in HEADS.items():
            if hide:
                assert picture[head].std() < sharp / 2, (name, who)
            elif name == SCENE:
                assert picture[head].std() > 0.8 * sharp, (name, who)
    portrait = grain(tmp_path / PORTRAITS / "7.jpg")
    top, bottom = portrait[3 : len(portrait) // 6].std(), portrait[len(portrait) // 2 :].std()
    assert (top < bottom / 2) == hide
    assert (GRAIN[HEADS["tracked"]].std() > 60) and (GRAIN.std() > 60)  # the frame itself stays for the others


def test_a_video_that_goes_on_beyond_the_limit(tmp_path: Path) -> None:
    watch = JobWatch(tmp_path, most_seconds=10)
    watch.frame(tracked(1, 9.9))
    with pytest.raises(FaultError, match="longer than"):
        watch.frame(tracked(2, 10.1))


def test_progress(tmp_path: Path) -> None:
    watch = JobWatch(tmp_path, most_seconds=10)
    assert watch.rate is None
    for index in range(1, 6):
        watch.frame(tracked(index, index / 10))
    assert watch.frames == 5 and watch.rate and watch.rate > 1
    assert watch.size == (320, 240) and watch.times == [index / 10 for index in range(1, 6)]
    assert [len(found) for found in watch.found] == [2] * 5
