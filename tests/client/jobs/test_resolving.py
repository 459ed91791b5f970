"""client.jobs.resolving: where a tracker's thresholds come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client.jobs.record import Record
from client.jobs.resolving import resolved
from client.jobs.spec import JobSpec, TrackerSpec
from client.serving.network import Network, NetworkConfig
from client.tracking import TRACKERS, ByteConfig
from tests.command import Outcome, walk
from tests.tiny_model import TINY, repository

SUITED = {"conf_thres": 0.35, "high_thres": 0.25, "low_thres": 0.15}


def nobody() -> Network:
    raise AssertionError("no server is asked")


def job(models: Path, tracker: TrackerSpec, detections: Path | None = None) -> JobSpec:
    network = NetworkConfig(kind="local", model_repository=models)
    return JobSpec(input="a.mp4", output=Path("out"), name="a", tracker=tracker, network=network, detections=detections)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return repository(tmp_path / "models", TINY.with_thresholds(SUITED))


@pytest.mark.parametrize("name", TRACKERS)
def test_all_settings_are_there_with_those_of_the_model(name: str, models: Path) -> None:
    tracker = resolved(job(models, TrackerSpec(name=name)), nobody).tracker
    assert tracker.is_resolved and tracker.settings["conf_thres"] == 0.35
    assert tracker.config() == TRACKERS[name](**tracker.settings)  # type: ignore[arg-type]


def test_what_is_asked_for_counts_more_than_the_model(models: Path) -> None:
    settings = resolved(job(models, TrackerSpec(name="byte", settings={"conf_thres": 0.9})), nobody).tracker.settings
    assert (settings["conf_thres"], settings["high_thres"]) == (0.9, 0.25)


def test_papers_values_by_preset_and_for_given_detections(models: Path) -> None:
    by_preset = resolved(job(models, TrackerSpec(name="byte", preset="paper")), nobody)
    given = resolved(job(models, TrackerSpec(name="byte"), detections=Path("det.txt")), nobody)
    assert by_preset.tracker.config() == given.tracker.config() == ByteConfig()


def test_a_tracker_with_all_settings_stays_as_it_is(models: Path) -> None:
    wanted = job(models, TrackerSpec.of(ByteConfig()))
    assert resolved(wanted, nobody) is wanted


def test_a_model_that_says_nothing_leaves_the_papers(tmp_path: Path) -> None:
    old = repository(tmp_path / "old")
    assert resolved(job(old, TrackerSpec(name="byte")), nobody).tracker.config() == ByteConfig()


def test_a_model_that_is_replaced_is_read_again(models: Path) -> None:
    wanted = job(models, TrackerSpec(name="byte"))
    assert resolved(wanted, nobody).tracker.settings["conf_thres"] == 0.35
    repository(models, TINY.with_thresholds({"conf_thres": 0.45}))
    assert resolved(wanted, nobody).tracker.settings["conf_thres"] == 0.45


def test_the_record_has_the_resolved_values_and_few_people_are_said(
    mot: Callable[..., Outcome], models: Path, tmp_path: Path
) -> None:
    """The tiny model's best scores are near 0.5: ByteTrack's 0.7 follows nobody, the model's own 0.35 does."""
    video = walk(tmp_path / "walk.mp4", 12)
    engine = ("--engine", "local", "--model-repository", models, "--no-video", "--tracker", "byte")
    suited = mot("track", video, *engine, "-o", tmp_path / "suited")
    assert suited.status == 0 and "nobody" not in suited.err, suited.err
    record = Record.read(tmp_path / "suited", "walk")
    assert record and record.settings["parameters"]["conf_thres"] == 0.35
    assert record.summary and record.summary.boxes > 0

    paper = mot("track", video, *engine, "--tracker-preset", "paper", "-o", tmp_path / "paper")
    assert paper.status == 0
    assert "nobody was followed in 12 frames" in " ".join(paper.err.split()), paper.err
    record = Record.read(tmp_path / "paper", "walk")
    assert record and record.settings["parameters"]["conf_thres"] == 0.7
