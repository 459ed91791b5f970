"""client.tracking's fairmot, fairmot_byte and byte against plain implementations of what was published."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from client.tracking import ByteConfig, FairMotByteConfig, FairMotConfig, TrackerConfig
from mot.detections import Detections
from mot.geometry import xywh_to_xyxy
from mot.sequence import read_detections
from tests.client.tracking.published import Published, byte_track, fairmot
from tests.client.tracking.recording import FRAME_RATE, read_recording
from tests.client.tracking.scenes import random_scene

DATA = Path(os.environ.get("MOT_DATA", Path(__file__).resolve().parents[4] / "shared/data"))


def assert_same(config: TrackerConfig, reference: Published, scene: Sequence[Detections], frame_rate: float) -> int:
    """Every frame shows the same people with the same boxes; ids differ only in their numbering. Returns the rows."""
    tracker, names, rows = config.tracker(frame_rate), dict[int, int](), 0
    for t, detections in enumerate(scene, start=1):
        ours = tracker.update(detections)
        theirs = {track.row: track for track in reference.update(detections)}
        assert set(ours.detections.tolist()) == set(theirs), f"frame {t}"
        for number, row, box, score in zip(ours.ids, ours.detections, ours.boxes, ours.scores, strict=True):
            track = theirs[int(row)]
            assert names.setdefault(track.name, int(number)) == number, f"frame {t}"
            np.testing.assert_allclose(box, track.box, rtol=1e-5, atol=1e-3)
            assert score == pytest.approx(track.score)
        rows += len(ours)
    assert len(set(names.values())) == len(names)
    return rows


CASES = [
    pytest.param(FairMotConfig(), fairmot, id="fairmot"),
    pytest.param(FairMotByteConfig(), lambda rate: fairmot(rate, byte=True), id="fairmot_byte"),
    pytest.param(ByteConfig(), byte_track, id="byte"),
]


@pytest.mark.parametrize(("config", "reference"), CASES)
@pytest.mark.parametrize(("people", "rate"), [(8, 30), (20, 4)])
def test_random_scenes(config: TrackerConfig, reference, people: int, rate: float) -> None:  # type: ignore[no-untyped-def]
    for seed in range(2):
        scene = random_scene(seed, 30, people, space=300, seen=0.85)
        assert assert_same(config, reference(rate), scene, rate) > 20


OF_THE_MODEL = pytest.param(  # whose scores are lower than those of ByteTrack's detector
    ByteConfig(high_thres=0.4, conf_thres=0.5), lambda rate: byte_track(rate, high=0.4, start=0.5), id="byte at 0.4"
)


@pytest.mark.parametrize(("config", "reference"), [*CASES, OF_THE_MODEL])
def test_what_the_shipped_model_finds(config: TrackerConfig, reference) -> None:  # type: ignore[no-untyped-def]
    scene = read_recording()
    assert len(scene) == 60
    least = 100 if config == ByteConfig() else 300
    assert assert_same(config, reference(FRAME_RATE), scene, FRAME_RATE) > least


@pytest.mark.data
def test_byte_on_public_detections() -> None:
    path = DATA / "association/MOT17-09-FRCNN/det/det.txt"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    found = read_detections(path)
    scene = []
    for t in range(1, 61):
        rows = found.frames == t
        scene.append(
            Detections(
                boxes=xywh_to_xyxy(found.boxes[rows]).astype(np.float32),
                scores=found.scores[rows].astype(np.float32),
            )
        )
    assert assert_same(ByteConfig(), byte_track(30), scene, 30) > 200
