"""What a result's record holds, and how two are compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from client.challenge.task import ChallengeError, Task
from client.jobs.record import (
    Record,
    differences,
    model_settings,
    read_record,
    record_path,
    task_settings,
    write_record,
)
from client.serving.network import EngineConfig
from client.tracking import ByteConfig, OverlapReidConfig
from tests.client.challenge.benchmark import make_detections
from tests.media import names
from tests.tiny_model import TINY, repository, save

TASK = Task(
    name="MOT17-09",
    folder=Path("MOT17-09-FRCNN"),
    results=("MOT17-09-FRCNN", "MOT17-09-SDP"),
    length=525,
    first=264,
    last=525,
    frame_rate=30,
)


def test_written_and_read(tmp_path: Path) -> None:
    path = record_path(tmp_path, "MOT17-09")
    settings = task_settings(TASK, {"sha256": "abc"}, OverlapReidConfig())
    for record in (
        Record(settings=settings, length=525),
        Record(settings=settings, length=525, counts={"frames": 262}),
    ):
        write_record(path, record)
        assert read_record(path) == record
    assert names(tmp_path) == {"MOT17-09.json"}


def test_settings_survive_json_unchanged(tmp_path: Path) -> None:
    """Else every second run would find them changed."""
    detections = make_detections(tmp_path / "det.txt", 3)
    for task in (TASK, replace(TASK, detections=detections)):
        settings = task_settings(task, None, ByteConfig())
        assert differences(json.loads(json.dumps(settings)), settings) == []


def test_no_record(tmp_path: Path) -> None:
    assert read_record(tmp_path / "MOT17-09.json") is None


@pytest.mark.parametrize("text", ["", "[1]", '{"settings": {}}', '{"scores": 1}', "\udcff"])
def test_another_file_of_that_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "MOT17-09.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ChallengeError, match=rf"{path}: is no record of `mot challenge`; remove it"):
        read_record(path)


def test_every_difference_is_named() -> None:
    model = {"sha256": "a" * 64}
    old = task_settings(TASK, model, OverlapReidConfig())
    assert differences(old, old) == []
    assert differences(old, task_settings(TASK, model, OverlapReidConfig(track_buffer=60))) == [
        "parameters.track_buffer: 30 -> 60"
    ]
    assert differences(old, task_settings(replace(TASK, first=263), model, OverlapReidConfig())) == [
        "frames: [264, 525] -> [263, 525]"
    ]
    assert differences(old, task_settings(TASK, {"sha256": "b" * 64}, OverlapReidConfig())) == [
        f'model.sha256: "{"a" * 36}... -> "{"b" * 36}...'
    ]
    other = differences(old, task_settings(TASK, model, ByteConfig()))
    assert other[0] == 'tracker: "overlap_reid" -> "byte"'


def test_given_detections_are_known_by_their_content(tmp_path: Path) -> None:
    first = make_detections(tmp_path / "a.txt", 3)
    same = make_detections(tmp_path / "b.txt", 3)
    other = make_detections(tmp_path / "c.txt", 3, score=0.8)
    settings = [task_settings(replace(TASK, detections=path), None, ByteConfig()) for path in (first, same, other)]
    assert settings[0] == settings[1] != settings[2]


def test_model_is_known_by_its_content(tmp_path: Path) -> None:
    models = repository(tmp_path / "models")
    config = EngineConfig(kind="local", model_repository=models)
    before = model_settings(config)
    assert before == model_settings(replace(config, kind="triton"))
    save(models / "fairmot/1/model.onnx", replace(TINY, recipe="other"))
    assert model_settings(config) != before


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(ChallengeError, match=r"model\.onnx: cannot be read: No such file"):
        model_settings(EngineConfig(kind="local", model_repository=tmp_path))
