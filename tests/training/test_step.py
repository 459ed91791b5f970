from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from tests.training.runs import recipe
from training import train
from training.data.dataset import Item
from training.losses import FairMOTLoss, LossConfig, count
from training.model.fairmot import FairMOT
from training.step import MicroBatch, TrainingStep, backward

Given = tuple[Fabric, Any, list[Item]]


@pytest.fixture
def given(people: Path, tmp_path: Path) -> Given:
    """Fabric, a network without memory of batches (BatchNorm and stochastic depth fixed), three micro-batches of 2."""
    fabric = Fabric(accelerator="cpu", devices=1)
    settings = recipe(batch_size=2, accumulate=3)
    run, feed = train.prepare(settings, people, tmp_path / "last.pt", fabric, resume=False, report=print)
    network, _ = fabric.setup(TrainingStep(run.model, run.loss), run.optimizer)
    return fabric, network.eval(), next(feed.from_step(0))


def gradients(network: nn.Module) -> dict[str, Tensor]:
    found = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    network.zero_grad()
    return found


def test_micro_batches_teach_what_the_large_batch_does(given: Given) -> None:
    fabric, network, parts = given
    assert len({tuple(count(part).tolist()) for part in parts}) > 1  # else each could be its own mean
    terms = backward(fabric, network, parts)
    found = gradients(network)
    whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    torch.testing.assert_close(terms, backward(fabric, network, [whole]))
    expected = gradients(network)
    assert found.keys() == expected.keys() == {name for name, _ in network.named_parameters()}
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max()), msg=name)


@pytest.mark.parametrize("architecture", ["mit_b0", "efficientnet_lite0"])
def test_every_parameter_learns(people: Path, tmp_path: Path, architecture: str) -> None:
    """Data parallelism waits for the gradient of each."""
    fabric, given = Fabric(accelerator="cpu", devices=1), recipe(architecture=architecture)
    run, feed = train.prepare(given, people, tmp_path / "last.pt", fabric, resume=False, report=print)
    network, _ = fabric.setup(TrainingStep(run.model, run.loss), run.optimizer)
    backward(fabric, network, next(feed.from_step(0)))
    assert gradients(network).keys() == {name for name, _ in network.named_parameters()}


def test_a_micro_batch_without_people_has_a_share(given: Given) -> None:
    """It still teaches what is background, and does not count as a mean of its own."""
    fabric, network, parts = given
    nobody = {name: tensor.clone() for name, tensor in parts[1].items()}
    nobody["valid"][:], nobody["identity"][:] = False, -1
    nobody["heatmap"][:] = 0
    alone = backward(fabric, network, [parts[0]])
    gradients(network)
    terms = backward(fabric, network, [parts[0], nobody])
    assert {name: terms[name].item() for name in ("box", "offset", "identity")} == pytest.approx(
        {name: alone[name].item() for name in ("box", "offset", "identity")}, rel=1e-5
    )
    assert terms["heatmap"] > alone["heatmap"]
    assert all(gradient.isfinite().all() for gradient in gradients(network).values())


def test_mixed_precision_leaves_the_targets_alone() -> None:
    """Rounded to bfloat16, 0.999 would be 1: the centre of somebody who is not there."""
    seen: list[Item] = []

    class Watching(FairMOTLoss):
        def forward(self, model: FairMOT, features: Tensor, logits: Tensor, batch: Item, counts: Any = None) -> Any:
            assert logits.dtype == torch.bfloat16
            seen.append(batch)
            return super().forward(model, features, logits, batch, counts)

    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    model = FairMOT("yolox_nano")
    network = fabric.setup(TrainingStep(model, Watching(LossConfig(), model.config.embedding_dim, 3)))
    items = {
        "image": torch.zeros(1, 3, 64, 96, dtype=torch.uint8),
        "heatmap": torch.full((1, 1, 16, 24), 0.999),
        "weight": torch.ones(1, 1, 16, 24),
        "cells": torch.zeros(1, 2, dtype=torch.int64),
        "valid": torch.tensor([[True, False]]),
        "box": torch.full((1, 2, 4), 100.3),
        "offset": torch.full((1, 2, 2), 0.3),
        "identity": torch.tensor([[1, -1]]),
    }
    network(MicroBatch(items, torch.ones(3)))
    assert all(torch.equal(seen[0][name], tensor) for name, tensor in items.items())
