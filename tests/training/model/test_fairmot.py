from __future__ import annotations

import pytest
import torch

from mot.errors import MotError
from training.losses import FairMOTLoss, LossConfig
from training.model.dcn import ModulatedDeformConv
from training.model.fairmot import ARCHITECTURES, FairMOT

ONES = torch.ones(2, 1, 16, 24)


# B2 to B5 are B1 with more blocks.
@pytest.mark.parametrize(
    "architecture", [a for a in ARCHITECTURES if a not in ("mit_b2", "mit_b3", "mit_b4", "mit_b5")]
)
def test_forward_and_backward(architecture: str) -> None:
    """On 64x96, with a batch that holds nobody: every parameter still has a gradient, as several processes need."""
    torch.manual_seed(0)
    model = FairMOT(architecture)
    features, logits = model(torch.rand(2, 3, 64, 96) * 255)
    assert features.shape == (2, model.neck.width, 16, 24)
    assert logits.shape == (2, 1, 16, 24)
    outputs = model.at(features, torch.tensor([[0, 383, 5], [7, 8, 100]]))
    assert outputs.box.shape == (2, 3, 4)
    assert outputs.offset.shape == (2, 3, 2)
    assert outputs.embedding.shape == (2, 3, model.config.embedding_dim)
    torch.testing.assert_close(outputs.embedding.norm(dim=2), torch.ones(2, 3))
    loss = FairMOTLoss(LossConfig(), model.config.embedding_dim, 5)
    batch = {
        "cells": torch.zeros(2, 4, dtype=torch.int64),
        "valid": torch.zeros(2, 4, dtype=torch.bool),
        "heatmap": torch.zeros(2, 1, 16, 24),
        "weight": ONES,
        "box": torch.ones(2, 4, 4),
        "offset": torch.zeros(2, 4, 2),
        "identity": torch.full((2, 4), -1),
    }
    loss(model, features, logits, batch)["loss"].backward()
    named = [*model.named_parameters(), *loss.named_parameters()]
    assert [name for name, p in named if p.grad is None or not p.grad.isfinite().all()] == []


@pytest.mark.parametrize(("architecture", "layers"), [("mit_b1", 16), ("mit_b0", 16), ("yolox_nano", 4)])
def test_number_of_deformable_layers(architecture: str, layers: int) -> None:
    assert sum(isinstance(m, ModulatedDeformConv) for m in FairMOT(architecture).modules()) == layers


def test_chosen_cells_equal_the_dense_heads() -> None:
    model = FairMOT("mit_b0").eval()
    features, _ = model(torch.rand(1, 3, 64, 96) * 255)
    every = torch.arange(16 * 24)[None]
    outputs = model.at(features, every)
    torch.testing.assert_close(outputs.box[0].T.view(1, 4, 16, 24), model.box(features), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(outputs.offset[0].T.view(1, 2, 16, 24), model.offset(features), rtol=1e-4, atol=1e-4)


def test_the_heatmap_starts_near_a_tenth() -> None:
    model = FairMOT("yolox_nano")
    assert model.heatmap.out.bias is not None
    assert model.heatmap.out.bias.sigmoid().item() == pytest.approx(0.1, abs=0.001)


def test_exponential_boxes_stay_finite() -> None:
    model = FairMOT("yolox_nano").eval()
    torch.nn.init.constant_(model.box.out.bias, 1e4)
    features, _ = model(torch.rand(1, 3, 64, 96) * 255)
    assert model.at(features, torch.tensor([[0]])).box.isfinite().all()


def test_normalisation_is_part_of_the_network() -> None:
    """The buffers are no part of the weights, and grey of ImageNet's mean becomes zero."""
    model = FairMOT("mit_b0").eval()
    assert not {"mean", "std"} & model.state_dict().keys()
    seen = []
    model.backbone.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    model(model.mean.expand(1, 3, 32, 32))
    assert seen[0].abs().max() == 0


def test_unknown_architecture() -> None:
    with pytest.raises(MotError, match="'dla_34' is unknown; choose one of mit_b1, mit_b0, mit_b2, mit_b3"):
        FairMOT("dla_34")
