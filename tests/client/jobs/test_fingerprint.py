"""client.jobs.fingerprint: what a result depends on, and how two are compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from client.jobs.fingerprint import differences, input_fingerprint, model_fingerprint, settings_of
from client.jobs.spec import JobSpec, TrackerSpec
from client.serving.model import ModelError
from client.serving.network import Network, NetworkConfig
from client.tracking import ByteConfig, OverlapReidConfig, TrackerConfig
from mot.seqinfo import SeqInfo, write_seqinfo
from tests.client.challenge.benchmark import make_detections
from tests.media import numbered_image, write_image
from tests.tiny_model import TINY, repository, save


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return repository(tmp_path / "models")


def job(models: Path, tracker: TrackerConfig, **values: Any) -> JobSpec:
    return JobSpec(
        input="rtsp://user:secret@camera/door?token=1",
        output=models,
        name="door",
        network=NetworkConfig(kind="local", model_repository=models),
        tracker=TrackerSpec.of(tracker),
        **values,
    )


def nobody() -> Network:
    raise AssertionError("nothing but a file need be asked")


def settings(job: JobSpec) -> dict[str, Any]:
    return settings_of(job, nobody)


def test_settings_survive_json_unchanged(models: Path) -> None:
    """Else every second run would find them changed."""
    detections = make_detections(models / "det.txt", 3)
    for each in (job(models, ByteConfig()), job(models, ByteConfig(), detections=detections)):
        assert differences(json.loads(json.dumps(settings(each))), settings(each)) == []


def test_every_difference_is_named(models: Path) -> None:
    old = settings(job(models, OverlapReidConfig()))
    assert differences(old, old) == []
    assert differences(old, settings(job(models, OverlapReidConfig(track_buffer=60)))) == [
        "parameters.track_buffer: 30 -> 60"
    ]
    assert differences(old, settings(job(models, OverlapReidConfig(), start=263))) == [
        "frames: [1, null] -> [263, null]"
    ]
    other = differences(old, settings(job(models, ByteConfig())))
    assert other[0] == 'tracker: "overlap_reid" -> "byte"'
    save(models / "fairmot/1/model.onnx", replace(TINY, recipe="other"))
    (changed,) = differences(old, settings(job(models, OverlapReidConfig())))
    assert (changed.startswith('model.sha256: "') and '..." -> "' in changed) or "... -> " in changed


def test_a_video_that_shows_heads_is_no_substitute_for_one_that_does_not(models: Path) -> None:
    plain, blurred = (settings(job(models, ByteConfig(), anonymise=wanted)) for wanted in (False, True))
    assert differences(plain, blurred) == ["anonymise: null -> true"]
    assert settings(job(models, ByteConfig(), anonymise=True, video=False)) == plain, "rows are the same"


def test_passwords_and_tokens_are_not_written_down(models: Path) -> None:
    assert settings(job(models, ByteConfig()))["input"] == {"address": "rtsp://camera/door"}


def test_given_detections_are_known_by_their_content(models: Path, tmp_path: Path) -> None:
    first = make_detections(tmp_path / "a.txt", 3)
    same = make_detections(tmp_path / "b.txt", 3)
    other = make_detections(tmp_path / "c.txt", 3, score=0.8)
    found = [settings(job(models, ByteConfig(), detections=path)) for path in (first, same, other)]
    assert found[0] == found[1] != found[2]
    assert found[0]["model"] is None


def test_file_is_known_by_its_content_wherever_it_lies(tmp_path: Path) -> None:
    for name, content in (("a.mp4", b"x" * 3_000_000), ("b.mp4", b"x" * 3_000_000), ("c.mp4", b"x" * 2_999_999 + b"y")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (input_fingerprint(str(tmp_path / name)) for name in ("a.mp4", "b.mp4", "c.mp4"))
    assert a == b != c


def test_folder_is_known_by_its_images(tmp_path: Path) -> None:
    for number in (1, 2):
        write_image(tmp_path / f"{number}.png", numbered_image(number))
    before = input_fingerprint(str(tmp_path))
    (tmp_path / "result.txt").write_text("1,1,1,1,1,1,1,-1,-1,-1\n")
    assert input_fingerprint(str(tmp_path)) == before
    write_image(tmp_path / "3.png", numbered_image(3))
    assert input_fingerprint(str(tmp_path))["images"] == 3


def test_sequence_is_known_by_its_seqinfo_too(tmp_path: Path) -> None:
    write_image(tmp_path / "img1/1.png", numbered_image(1))
    before = input_fingerprint(str(tmp_path))
    info = SeqInfo(name="S", frame_rate=5, length=1, width=64, height=48, extension=".png")
    write_seqinfo(tmp_path / "seqinfo.ini", info)
    slow = input_fingerprint(str(tmp_path))
    assert before["images"] == slow["images"] == 1 and slow != before
    assert input_fingerprint(str(tmp_path / "img1")) == slow, "tracked by it, too"


def test_images_may_lie_in_another_folder_than_img1(tmp_path: Path) -> None:
    write_image(tmp_path / "frames/1.png", numbered_image(1))
    info = SeqInfo(name="S", image_dir="frames", frame_rate=5, length=1, width=64, height=48, extension=".png")
    write_seqinfo(tmp_path / "seqinfo.ini", info)
    before = input_fingerprint(str(tmp_path))
    write_image(tmp_path / "frames/1.png", numbered_image(2))
    assert before["images"] == 1 and input_fingerprint(str(tmp_path)) != before


@pytest.mark.parametrize("side", [16, 400])
def test_images_of_one_size_are_told_apart(tmp_path: Path, side: int) -> None:
    image = numbered_image(1, side, side)
    size = write_image(tmp_path / "1.bmp", image).stat().st_size
    before = input_fingerprint(str(tmp_path))
    image[side // 4 : side // 2] = 200
    assert write_image(tmp_path / "1.bmp", image).stat().st_size == size
    assert input_fingerprint(str(tmp_path)) != before


def test_model_is_known_by_its_content(models: Path) -> None:
    config = NetworkConfig(kind="local", model_repository=models)
    before = model_fingerprint(config, nobody)
    assert before == model_fingerprint(config.model_copy(update={"kind": "triton"}), nobody)
    save(models / "fairmot/1/model.onnx", replace(TINY, recipe="other"))
    assert model_fingerprint(config, nobody) != before


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: no such model file"):
        model_fingerprint(NetworkConfig(kind="local", model_repository=tmp_path), nobody)
