"""tests.benchmarks.validation: a disguise changes the pictures, and neither the frames' labels nor where people are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from client.detection.detector import FakeDetector
from client.tracking import ByteConfig
from client.tuning.recording import replay
from mot.detections import Detections
from mot.frame import Frame
from mot.seqinfo import SeqInfo, write_seqinfo
from mot.sequence import write_ground_truth
from tests.benchmarks.validation import DISGUISES, Disguise, Scene, record_scene, score, taken
from tests.client.evaluation.scenes import people

FRAMES = 24
WIDTH, HEIGHT = 640, 200


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two bright people on black, one of whom walks; every second image of the sequence is there."""
    truth = people({1: list(range(1, 2 * FRAMES, 2)), 2: list(range(1, 2 * FRAMES, 2))})
    truth.boxes[truth.ids == 2, 0] += 2.0 * truth.frames[truth.ids == 2]
    write_ground_truth(tmp_path / "S/gt/gt.txt", truth)
    (tmp_path / "S/img1").mkdir()
    for frame in range(1, 2 * FRAMES, 2):
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for left, top, width, height in truth.boxes[truth.frames == frame].astype(int).tolist():
            image[top : top + height, left : left + width] = 230
        cv2.imwrite(str(tmp_path / f"S/img1/{frame:06}.png"), image)
    info = SeqInfo(name="S", frame_rate=20, length=FRAMES, width=WIDTH, height=HEIGHT, extension=".png")
    write_seqinfo(tmp_path / "S/seqinfo.ini", info)
    return tmp_path


SCENE = Scene(
    name="S",
    source="S",
    ground_truth="S/gt/gt.txt",
    first=1,
    last=FRAMES,
    stride=2,
    benchmark="MOT17",
    data_sets=("s",),
)


def bright(frame: Frame) -> Detections:
    """A box around each bright spot."""
    _, _, found, _ = cv2.connectedComponentsWithStats((frame.image[..., 0] > 100).astype(np.uint8))
    boxes = found[1:, :4].astype(np.float32)
    boxes = boxes[boxes[:, 2] > 5]
    boxes[:, 2:] += boxes[:, :2]
    return Detections(boxes=boxes, scores=np.full(len(boxes), 0.9, np.float32))


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=lambda one: one.name)
def test_who_is_found_is_found_in_every_disguise(data: Path, disguise: Disguise) -> None:
    recording, width = record_scene(SCENE, data, FakeDetector(bright), disguise)
    recording = taken(recording, disguise)
    rows = replay(recording, ByteConfig(min_hits=1).tracker(recording.frame_rate))
    values = score(rows, recording, SCENE, data, disguise, width)
    assert width == WIDTH
    assert (values["MOTA"], values["IDF1"], values["ID Sw."]) == (100, 100, 0)
    assert values["HOTA"] > 90


def test_frames_and_rates_are_those_of_the_disguise(data: Path) -> None:
    recording, _ = record_scene(SCENE, data, FakeDetector(bright), DISGUISES["as is"])
    assert recording.frame_rate == 10 and recording.times[1] == pytest.approx(0.1)
    half = taken(recording, DISGUISES["half rate"])
    assert half.frames.tolist() == list(range(1, 24, 2)) and half.frame_rate == 5
    assert taken(recording, DISGUISES["later start"]).frames.tolist() == list(range(4, 25))
    short, _ = record_scene(SCENE, data, FakeDetector(bright), DISGUISES["as is"], limit=5)
    assert short.frames.tolist() == [1, 2, 3, 4, 5]


def test_people_too_low_to_be_labelled_are_no_error(data: Path) -> None:
    scene = replace(SCENE, unlabelled_below=90)
    recording, width = record_scene(scene, data, FakeDetector(bright), DISGUISES["as is"])
    rows = replay(recording, ByteConfig(min_hits=1).tracker(10))
    truth = SCENE.truth(data)
    truth.boxes[truth.ids == 1, 3] = 80
    write_ground_truth(data / "S/gt/gt.txt", replace(truth, frames=2 * truth.frames - 1))
    values = score(rows, recording, scene, data, DISGUISES["as is"], width)
    assert (values["MOTA"], values["Prcn"], values["Rcll"]) == (100, 100, 100)
