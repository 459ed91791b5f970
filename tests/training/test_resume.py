from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lightning.fabric import Fabric
from lightning.fabric.plugins.precision import MixedPrecision

from mot.errors import MotError
from tests.media import names
from tests.training.people import write_people
from tests.training.runs import assert_equal, logged, recipe, train_on_cpu
from training import train
from training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from training.recipe import parse_recipe

pytestmark = pytest.mark.usefixtures("row_a_step")


@pytest.mark.parametrize(
    ("settings", "stop_at", "log_every"),
    [
        ({}, 4, 1),  # in the middle of the second epoch
        ({"architecture": "mit_b0", "epochs": 2, "ema_decay": 0, "optimizer": "adam"}, 4, 1),  # stochastic depth
        ({"workers": 1, "cache": True}, 3, 1),  # at the end of an epoch, loaded by a worker process
        ({"schedule": "step", "step_epochs": [1]}, 1, 1),
        ({"workers": 2, "batch_size": 1, "accumulate": 3}, 4, 2),
    ],
    ids=["mid-epoch", "mit_b0", "worker", "step schedule", "accumulation by two workers"],
)
def test_interrupted_and_resumed_equals_uninterrupted(
    people: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    stop_at: int,
    log_every: int,
) -> None:
    monkeypatch.setattr(train, "LOG_EVERY", log_every)
    whole = train_on_cpu(recipe(**settings), people, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_on_cpu(recipe(**settings), people, tmp_path / "parts", stop_at=stop_at)
    assert load_checkpoint(tmp_path / "parts/last.pt")["step"] == stop_at
    parts = train_on_cpu(recipe(**settings), people, tmp_path / "parts", resume=True)
    assert_equal(whole, parts)
    assert logged(tmp_path / "whole") == logged(tmp_path / "parts")
    assert names(tmp_path / "parts") == {"last.pt", "log.csv", "tensorboard"}


@pytest.mark.parametrize(
    ("log_every", "save_every", "save_seconds", "crash_at"),
    [(1, 4, 600.0, 5), (3, 4, 600.0, 6), (1, 200, 0.0, 5)],
    ids=["between rows", "saved within a row's interval", "saved by the clock"],
)
def test_a_crash_resumes_from_the_last_saved_step(
    people: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log_every: int,
    save_every: int,
    save_seconds: float,
    crash_at: int,
) -> None:
    """Nothing but the periodic checkpoint is left; the steps since are made again."""
    monkeypatch.setattr(train, "LOG_EVERY", log_every)
    monkeypatch.setattr(train, "SAVE_EVERY", save_every)
    monkeypatch.setattr(train, "SAVE_SECONDS", save_seconds)

    class PowerCut(BaseException):
        """Nothing in the program hears of it."""

    def crash(step: int, _steps: int, _means: dict[str, float]) -> None:
        if step == crash_at:
            raise PowerCut

    fabric = Fabric(accelerator="cpu", devices=1)
    with pytest.raises(PowerCut):
        train.fit(recipe(), people, tmp_path / "parts", fabric, resume=False, progress=crash, report=print)
    assert load_checkpoint(tmp_path / "parts/last.pt")["step"] == 4
    whole = train_on_cpu(recipe(), people, tmp_path / "whole")
    assert_equal(whole, train_on_cpu(recipe(), people, tmp_path / "parts", resume=True))
    assert logged(tmp_path / "whole") == logged(tmp_path / "parts")


def test_fp16s_gradient_scale_is_resumed_too(people: Path, tmp_path: Path) -> None:
    """With torch's gradient scaler for the CPU: clipping of scaled gradients, and the scaler's state."""

    def half() -> Fabric:
        return Fabric(accelerator="cpu", devices=1, plugins=[MixedPrecision("16-mixed", "cpu")])

    whole = train_on_cpu(recipe(epochs=2), people, tmp_path / "whole", fabric=half())
    with pytest.raises(KeyboardInterrupt):
        train_on_cpu(recipe(epochs=2), people, tmp_path / "parts", stop_at=4, fabric=half())
    state = load_checkpoint(tmp_path / "parts/last.pt")
    assert state["precision"]["_growth_tracker"] == 4 or state["precision"]["scale"] < 65536
    parts = train_on_cpu(recipe(epochs=2), people, tmp_path / "parts", resume=True, fabric=half())
    assert_equal(whole, parts)


def test_a_finished_run_resumes_to_itself_and_can_be_prolonged(people: Path, tmp_path: Path) -> None:
    train_on_cpu(recipe(epochs=1), people, tmp_path)
    train_on_cpu(recipe(epochs=1), people, tmp_path, resume=True)
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 3
    said: list[str] = []
    train_on_cpu(recipe(epochs=2, lr=1e-3), people, tmp_path, resume=True, report=said.append)
    state = load_checkpoint(tmp_path / "last.pt")
    assert state["step"] == 6
    assert state["optimizer"]["param_groups"][0]["base_lr"] == 1e-3
    prefix = "resuming with another recipe: "
    assert [line for line in said if line.startswith(prefix)] == [
        f"{prefix}epochs: 1 -> 2",
        f"{prefix}lr: 0.002 -> 0.001",
    ]


def test_new_and_resumed_runs_are_told_apart(people: Path, tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"last\.pt: no such checkpoint to resume; leave out --resume"):
        train_on_cpu(recipe(), people, tmp_path, resume=True)
    train_on_cpu(recipe(epochs=1), people, tmp_path)
    with pytest.raises(MotError, match=r"last\.pt exists; continue that run with --resume or choose another --out"):
        train_on_cpu(recipe(), people, tmp_path)


@pytest.fixture(scope="module")
def started(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run of one epoch."""
    return train_on_cpu(recipe(epochs=1), people, tmp_path_factory.mktemp("started"))


def copy_of(checkpoint: Path, out: Path) -> Path:
    (out / "last.pt").write_bytes(checkpoint.read_bytes())
    return out


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"architecture": "mit_b0"}, "architecture was 'yolox_nano' and is now 'mit_b0'"),
        ({"batch_size": 2}, "batch_size x accumulate x processes was 3 and is now 2"),
        ({"accumulate": 2}, "batch_size x accumulate x processes was 3 and is now 6"),
        ({"seed": 5}, "seed was 317 and is now 5"),
        ({"optimizer": "adam"}, "optimizer was 'adamw' and is now 'adam'"),
        ({"ema_decay": 0.0}, "ema_decay cannot be switched on or off"),
    ],
)
def test_what_a_resumed_run_cannot_change(
    started: Path, people: Path, tmp_path: Path, settings: dict[str, Any], complaint: str
) -> None:
    out = copy_of(started, tmp_path)
    with pytest.raises(CheckpointError, match=rf"last\.pt: {complaint}"):
        train_on_cpu(recipe(**settings), people, out, resume=True)


def test_other_data_is_refused(started: Path, tmp_path: Path) -> None:
    data = write_people(tmp_path / "data", 10, most=2)
    with pytest.raises(CheckpointError, match="knows 3 identities, the data 2; resume with the data"):
        train_on_cpu(recipe(), data, copy_of(started, tmp_path), resume=True)


def test_a_checkpoint_for_export_alone_cannot_be_resumed(started: Path, people: Path, tmp_path: Path) -> None:
    state = load_checkpoint(started)
    del state["loss"], state["optimizer"]
    save_checkpoint(tmp_path / "last.pt", state)
    with pytest.raises(CheckpointError, match="loss, optimizer missing; it can be exported, but not resumed"):
        train_on_cpu(recipe(), people, tmp_path, resume=True)


def test_a_checkpoint_holds_everything(started: Path) -> None:
    state = load_checkpoint(started)
    assert state.keys() == {
        "format", "recipe", "step", "processes", "identities", "model", "loss", "optimizer", "ema", "precision", "log"
    }  # fmt: skip
    assert (state["step"], state["identities"]) == (3, 3)
    assert {"classifier.weight", "s_det", "s_id"} < state["loss"].keys()
    assert state["ema"].keys() == state["model"].keys()
    assert parse_recipe(state["recipe"], "checkpoint") == recipe(epochs=1)


def test_checkpoints_of_the_first_release_resume(started: Path, people: Path, tmp_path: Path) -> None:
    state = load_checkpoint(started)
    del state["precision"], state["processes"], state["log"]
    for key in ("accumulate", "validate_every", "validation"):
        del state["recipe"][key]
    save_checkpoint(tmp_path / "last.pt", state)
    train_on_cpu(recipe(epochs=1), people, tmp_path, resume=True)


def test_a_resumed_run_needs_no_pretrained_weights(started: Path, people: Path, tmp_path: Path) -> None:
    settings = {"init": "yolox", "init_path": str(tmp_path / "gone.onnx"), "epochs": 1}
    train_on_cpu(recipe(**settings), people, copy_of(started, tmp_path), resume=True)
