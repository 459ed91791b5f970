"""``mot tune`` from videos and labels to settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from client.tuning.recording import read_recording
from mot.sequence import read_results, write_ground_truth
from tests.command import Outcome, walk
from tests.media import names
from tests.tiny_model import repository

Mot = Callable[..., Outcome]
COUNT = 12


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("models"))


@pytest.fixture
def tune(mot: Mot, models: Path, tmp_path: Path) -> Mot:
    """``mot tune`` on two videos, whose labels are what the tiny model finds with a low threshold."""
    engine = ("--engine", "local", "--model-repository", models)
    for name in "ab":
        video = walk(tmp_path / f"{name}.mp4", COUNT)
        tracked = mot("track", video, *engine, "--no-video", "--conf-thres", 0.2, "--output", tmp_path / "out")
        assert tracked.status == 0, tracked.err
        write_ground_truth(tmp_path / name / "gt/gt.txt", read_results(tmp_path / f"out/{name}.txt"))

    def run(*arguments: object, sequences: str = "ab") -> Outcome:
        given = [f"{tmp_path}/{name}.mp4={tmp_path}/{name}/gt/gt.txt" for name in sequences]
        fixed = ("--recordings", tmp_path / "recordings", "--trials", 4, *engine)
        return mot("tune", *given, *fixed, "--tracker", "byte", *arguments)

    return run


def test_settings_are_searched_and_judged(tune: Mot, tmp_path: Path) -> None:
    chosen = ("--setting", "conf_thres=0.1..0.3", "--setting", "min_hits", "--output", tmp_path / "tuned.json")
    outcome = tune(*chosen)
    assert outcome.status == 0, outcome.err
    assert max(map(len, outcome.out.splitlines()[:-1])) <= 80
    assert outcome.out.splitlines()[-1].startswith("--tracker-set conf_thres=0.")
    assert names(tmp_path / "recordings") == {"a.npz", "b.npz"}
    assert len(read_recording(tmp_path / "recordings/a.npz")) == COUNT
    document = json.loads((tmp_path / "tuned.json").read_text())
    assert [list(fold["tuned"]) for fold in document["folds"]] == [["a"], ["b"]]
    assert document["gain"] > 0


def test_recordings_are_read_again_unless_the_model_is_another(tune: Mot, tmp_path: Path) -> None:
    chosen = ("--setting", "conf_thres=0.1..0.3")
    assert tune(*chosen, sequences="a").status == 0
    before = (tmp_path / "recordings/a.npz").stat().st_mtime_ns
    again = tune(*chosen, sequences="a")
    assert again.status == 0 and "judged on no other" in again.err
    assert (tmp_path / "recordings/a.npz").stat().st_mtime_ns == before
    recording = read_recording(tmp_path / "recordings/a.npz")
    type(recording)(**{**vars(recording), "model": "another"}).save(tmp_path / "recordings/a.npz")
    anew = tune(*chosen, sequences="a")
    assert "a.npz: is of another model, and is made anew" in " ".join(anew.err.split())
    assert read_recording(tmp_path / "recordings/a.npz").model == recording.model


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--setting", "look"), 1, "there is no setting 'look'"),
        (("--left-out", "c"), 1, "c is not among them"),
        (("--split", "val-half", "--start", 3), 2, "a half has its own first and last frame"),
        (("--end", 40), 0, ""),
        (("--start", 13), 1, "no labels in frames 13"),
    ],
)
def test_what_cannot_be_tuned_is_said(tune: Mot, arguments: tuple[object, ...], status: int, message: str) -> None:
    outcome = tune(*arguments)
    assert outcome.status == status, outcome.err
    assert message in " ".join(outcome.err.replace("│", "").split())
