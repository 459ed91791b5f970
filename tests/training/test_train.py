from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.precision import MixedPrecision

from mot.errors import MotError
from tests.media import names
from tests.training.people import write_people
from training import train, validate
from training.checkpoint import CheckpointError, load_checkpoint, load_model, save_checkpoint
from training.data.labels import DataError
from training.recipe import Recipe, parse_recipe
from training.step import TrainingStep


def recipe(**settings: Any) -> Recipe:
    """Three steps an epoch over the ten drawn images, everything on that draws at random."""
    content = {
        "name": "tiny",
        "architecture": "yolox_nano",
        "width": 96,
        "height": 64,
        "batch_size": 3,
        "epochs": 3,
        "max_objects": 8,
        "workers": 0,
        "optimizer": "adamw",
        "lr": 2e-3,
        "weight_decay": 0.01,
        "warmup_steps": 3,
        "schedule": "cosine",
        "clip_norm": 10.0,
        "ema_decay": 0.9,
        "augment": {"mosaic": 0.3, "grey": 0.2, "blur": 0.2},
    }
    return parse_recipe(content | settings, "test")


def run(
    given: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    stop_at: int | None = None,
    report: Callable[[str], None] = print,
    fabric: Fabric | None = None,
) -> Path:
    """Train on the CPU; raise KeyboardInterrupt from the progress callback after step ``stop_at``."""

    def progress(step: int, _steps: int, _means: dict[str, float]) -> None:
        if step == stop_at:
            raise KeyboardInterrupt

    fabric = fabric or Fabric(accelerator="cpu", devices=1, precision="32-true")
    return train.fit(given, data, out, fabric, resume=resume, progress=progress, report=report)


@pytest.fixture(autouse=True)
def log_every_step_and_draw_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves take as long as a tiny run; test_curves and test_cli draw them."""
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    monkeypatch.setattr(train, "draw_curves", lambda _out: None)
    monkeypatch.setattr(validate, "draw_curves", lambda _out: None)


def losses(out: Path) -> list[float]:
    with (out / "log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def logged(out: Path) -> list[dict[str, str]]:
    """The rows of the log without their times."""
    with (out / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in ("seconds", "waiting")} for row in csv.DictReader(file)]


def tensors(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of a checkpoint by its path."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)  # type: ignore[assignment]
    else:
        return {path: value}
    return {key: leaf for name, inner in items for key, leaf in tensors(inner, f"{path}/{name}").items()}


def assert_equal(a: Path, b: Path, but: str = " ") -> None:
    """Bit for bit: weights, moments, averages, step, recipe; all paths that do not begin with ``but``."""
    first, second = (
        {key: leaf for key, leaf in tensors(load_checkpoint(path)).items() if not key.startswith(but)}
        for path in (a, b)
    )
    assert first.keys() == second.keys()
    different = [
        key
        for key, value in first.items()
        if not (torch.equal(value, second[key]) if isinstance(value, torch.Tensor) else value == second[key])
    ]
    assert different == []


def test_overfits_a_few_images(people: Path, tmp_path: Path) -> None:
    still = {"rotate": 0, "scale": [1, 1], "translate": 0, "shear": 0, "flip": 0, "saturation": [1, 1], "value": [1, 1]}
    run(recipe(epochs=14, batch_size=5, lr=4e-3, loss={"box_loss": "giou"}, augment=still), people, tmp_path)
    found = losses(tmp_path)
    assert len(found) == 28
    assert sum(found[-4:]) < 0.5 * sum(found[:4])
    model, read = load_model(tmp_path / "last.pt")
    assert read.epochs == 14
    assert not model.training


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
    whole = run(recipe(**settings), people, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(recipe(**settings), people, tmp_path / "parts", stop_at=stop_at)
    assert load_checkpoint(tmp_path / "parts/last.pt")["step"] == stop_at
    parts = run(recipe(**settings), people, tmp_path / "parts", resume=True)
    assert_equal(whole, parts)
    assert logged(tmp_path / "whole") == logged(tmp_path / "parts")
    assert names(tmp_path / "parts") == {"last.pt", "log.csv", "tensorboard"}


@pytest.mark.parametrize(
    ("log_every", "crash_at"), [(1, 5), (3, 6)], ids=["between rows", "saved within a row's interval"]
)
def test_a_crash_resumes_from_the_last_saved_step(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_every: int, crash_at: int
) -> None:
    """Nothing but the periodic checkpoint is left; the steps since are made again."""
    monkeypatch.setattr(train, "LOG_EVERY", log_every)
    monkeypatch.setattr(train, "SAVE_EVERY", 4)

    def crash(step: int, _steps: int, _means: dict[str, float]) -> None:
        if step == crash_at:
            raise RuntimeError("power cut")

    fabric = Fabric(accelerator="cpu", devices=1)
    with pytest.raises(RuntimeError, match="power cut"):
        train.fit(recipe(), people, tmp_path / "parts", fabric, resume=False, progress=crash, report=print)
    assert load_checkpoint(tmp_path / "parts/last.pt")["step"] == 4
    whole = run(recipe(), people, tmp_path / "whole")
    assert_equal(whole, run(recipe(), people, tmp_path / "parts", resume=True))
    assert logged(tmp_path / "whole") == logged(tmp_path / "parts")


def test_a_finished_run_resumes_to_itself_and_can_be_prolonged(people: Path, tmp_path: Path) -> None:
    run(recipe(epochs=1), people, tmp_path)
    run(recipe(epochs=1), people, tmp_path, resume=True)
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 3
    said: list[str] = []
    run(recipe(epochs=2, lr=1e-3), people, tmp_path, resume=True, report=said.append)
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
        run(recipe(), people, tmp_path, resume=True)
    run(recipe(epochs=1), people, tmp_path)
    with pytest.raises(MotError, match=r"last\.pt exists; continue that run with --resume or choose another --out"):
        run(recipe(), people, tmp_path)


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
        run(recipe(**settings), people, out, resume=True)


@pytest.fixture(scope="module")
def started(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run of one epoch."""
    return run(recipe(epochs=1), people, tmp_path_factory.mktemp("started"))


def copy_of(checkpoint: Path, out: Path) -> Path:
    (out / "last.pt").write_bytes(checkpoint.read_bytes())
    return out


def test_other_data_is_refused(started: Path, tmp_path: Path) -> None:
    data = write_people(tmp_path / "data", 10, most=2)
    with pytest.raises(CheckpointError, match="knows 3 identities, the data 2; resume with the data"):
        run(recipe(), data, copy_of(started, tmp_path), resume=True)


def test_a_checkpoint_for_export_alone_cannot_be_resumed(started: Path, people: Path, tmp_path: Path) -> None:
    state = load_checkpoint(started)
    del state["loss"], state["optimizer"]
    save_checkpoint(tmp_path / "last.pt", state)
    with pytest.raises(CheckpointError, match="loss, optimizer missing; it can be exported, but not resumed"):
        run(recipe(), people, tmp_path, resume=True)


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
    run(recipe(epochs=1), people, tmp_path, resume=True)


def test_fewer_images_than_a_batch(people: Path, tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"10 images are fewer than a step's 11; lower batch_size"):
        run(recipe(batch_size=11), people, tmp_path)
    with pytest.raises(MotError, match=r"10 images are fewer than a step's 12; lower batch_size"):
        run(recipe(batch_size=3, accumulate=4), people, tmp_path)


def test_initial_weights_must_suit_the_architecture(people: Path, tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"imagenet.*yolox_nano"):
        run(recipe(init="imagenet"), people, tmp_path)
    assert not (tmp_path / "last.pt").exists()


def test_a_resumed_run_needs_no_pretrained_weights(started: Path, people: Path, tmp_path: Path) -> None:
    settings = {"init": "yolox", "init_path": str(tmp_path / "gone.onnx"), "epochs": 1}
    run(recipe(**settings), people, copy_of(started, tmp_path), resume=True)


def test_a_run_that_has_burst_stops_before_it_is_saved(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 2)
    said: list[str] = []
    burst = recipe(lr=1e30, clip_norm=0, warmup_steps=0, epochs=9)
    with pytest.raises(MotError, match=r"step 21: no finite gradient for 20 steps, .*; lower lr or set clip_norm"):
        run(burst, people, tmp_path, report=said.append)
    skipped = [line for line in said if "skipped" in line]  # the other hints depend on the machine's pace
    assert skipped[0] == "step 2 was skipped: its gradient is not finite (1 in a row; 20 end the run)"
    assert len(skipped) == 19
    assert not (tmp_path / "last.pt").exists()


@pytest.mark.parametrize("half", [False, True], ids=["fp32", "fp16"])
@pytest.mark.parametrize("poison", ["image", "box"])
def test_a_step_without_finite_gradients_changes_nothing(people: Path, tmp_path: Path, poison: str, half: bool) -> None:
    """Not even BatchNorm's statistics, which the forward pass has updated; fp16 lowers its gradient scale."""
    plugins = [MixedPrecision("16-mixed", "cpu")] if half else []
    fabric = Fabric(accelerator="cpu", devices=1, plugins=plugins)
    run, feed = train.prepare(recipe(epochs=9), people, tmp_path / "last.pt", fabric, resume=False, report=print)
    network, optimizer = fabric.setup(TrainingStep(run.model, run.loss), run.optimizer)
    batches = feed.from_step(0)

    def learn(bad: bool) -> dict[str, torch.Tensor] | None:
        given = next(batches)
        if bad:
            given[0][poison] = torch.full_like(given[0][poison], torch.inf, dtype=torch.float32)
        return train.learn(run, fabric, network, optimizer, given)

    def state() -> dict[str, Any]:
        parts = [run.model.state_dict(), run.loss.state_dict(), run.optimizer.state_dict()["state"]]
        return {key: leaf.clone() for key, leaf in tensors([*parts, run.averaged.state_dict()]).items()}

    def learn_well() -> dict[str, torch.Tensor]:
        while (terms := learn(bad=False)) is None:
            assert half  # its scale may be too large yet
        return terms

    learn_well()
    before, step, scale = state(), run.step, fabric.strategy.precision.state_dict().get("scale", 2)
    assert learn(bad=True) is None
    after = state()
    assert before.keys() == after.keys()
    assert [key for key in before if not torch.equal(before[key], after[key])] == []
    assert run.step == step + 1
    assert fabric.strategy.precision.state_dict().get("scale", 1) == scale / 2
    assert all(term.isfinite() for term in learn_well().values())


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_breaks_is_named(tmp_path: Path, workers: int) -> None:
    data = write_people(tmp_path / "data", 4)
    broken = tmp_path / "data/drawn/images/002.png"
    broken.write_bytes(broken.read_bytes()[:20])
    with pytest.raises(DataError) as caught:
        run(recipe(batch_size=4, workers=workers), data, tmp_path / "out")
    assert str(caught.value) == f"{broken}: missing or no readable image"


def test_bf16_trains(people: Path, tmp_path: Path) -> None:
    run(recipe(epochs=1), people, tmp_path, fabric=Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"))
    state = load_checkpoint(tmp_path / "last.pt")
    assert all(tensor.dtype != torch.bfloat16 for tensor in state["model"].values())
    assert all(tensor.isfinite().all() for tensor in state["model"].values())


def test_fp16s_gradient_scale_is_resumed_too(people: Path, tmp_path: Path) -> None:
    """With torch's gradient scaler for the CPU: clipping of scaled gradients, and the scaler's state."""

    def half() -> Fabric:
        return Fabric(accelerator="cpu", devices=1, plugins=[MixedPrecision("16-mixed", "cpu")])

    whole = run(recipe(epochs=2), people, tmp_path / "whole", fabric=half())
    with pytest.raises(KeyboardInterrupt):
        run(recipe(epochs=2), people, tmp_path / "parts", stop_at=4, fabric=half())
    state = load_checkpoint(tmp_path / "parts/last.pt")
    assert state["precision"]["_growth_tracker"] == 4 or state["precision"]["scale"] < 65536
    parts = run(recipe(epochs=2), people, tmp_path / "parts", resume=True, fabric=half())
    assert_equal(whole, parts)
