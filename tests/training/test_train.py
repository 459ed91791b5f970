from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.precision import MixedPrecision

from mot.errors import MotError
from tests.training.people import write_people
from tests.training.runs import losses, recipe, tensors, train_on_cpu
from training import train
from training.checkpoint import load_checkpoint, load_model
from training.data.labels import DataError
from training.step import TrainingStep

pytestmark = pytest.mark.usefixtures("row_a_step")


def test_overfits_a_few_images(people: Path, tmp_path: Path) -> None:
    still = {"rotate": 0, "scale": [1, 1], "translate": 0, "shear": 0, "flip": 0, "saturation": [1, 1], "value": [1, 1]}
    train_on_cpu(recipe(epochs=14, batch_size=5, lr=4e-3, loss={"box_loss": "giou"}, augment=still), people, tmp_path)
    found = losses(tmp_path)
    assert len(found) == 28
    assert sum(found[-4:]) < 0.5 * sum(found[:4])
    model, read = load_model(tmp_path / "last.pt")
    assert read.epochs == 14
    assert not model.training


def test_bf16_trains(people: Path, tmp_path: Path) -> None:
    train_on_cpu(
        recipe(epochs=1), people, tmp_path, fabric=Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    )
    state = load_checkpoint(tmp_path / "last.pt")
    assert all(tensor.dtype != torch.bfloat16 for tensor in state["model"].values())
    assert all(tensor.isfinite().all() for tensor in state["model"].values())


def test_fewer_images_than_a_batch(people: Path, tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"10 images are fewer than a step's 11; lower batch_size"):
        train_on_cpu(recipe(batch_size=11), people, tmp_path)
    with pytest.raises(MotError, match=r"10 images are fewer than a step's 12; lower batch_size"):
        train_on_cpu(recipe(batch_size=3, accumulate=4), people, tmp_path)


def test_initial_weights_must_suit_the_architecture(people: Path, tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"imagenet.*yolox_nano"):
        train_on_cpu(recipe(init="imagenet"), people, tmp_path)
    assert not (tmp_path / "last.pt").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_breaks_is_named(tmp_path: Path, workers: int) -> None:
    data = write_people(tmp_path / "data", 4)
    broken = tmp_path / "data/drawn/images/002.png"
    broken.write_bytes(broken.read_bytes()[:20])
    with pytest.raises(DataError) as caught:
        train_on_cpu(recipe(batch_size=4, workers=workers), data, tmp_path / "out")
    assert str(caught.value) == f"{broken}: missing or no readable image"


def test_a_run_that_has_burst_stops_before_it_is_saved(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 2)
    said: list[str] = []
    burst = recipe(lr=1e30, clip_norm=0, warmup_steps=0, epochs=9)
    with pytest.raises(MotError, match=r"step 21: no finite gradient for 20 steps, .*; lower lr or set clip_norm"):
        train_on_cpu(burst, people, tmp_path, report=said.append)
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
