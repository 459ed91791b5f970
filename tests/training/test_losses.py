from __future__ import annotations

import math
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import generalized_box_iou

from training.losses import FairMOTLoss, LossConfig, count, focal_loss, giou_of_distances
from training.model.fairmot import Outputs

HEIGHT, WIDTH, ROWS, DIM = 4, 6, 3, 8


class HeadsMadeByHand:
    """Answers the loss's only question to the network."""

    def __init__(self, box: Tensor, offset: Tensor, embedding: Tensor) -> None:
        self.outputs = Outputs(box=box, offset=offset, embedding=embedding)

    def at(self, _features: Tensor, _cells: Tensor) -> Outputs:
        return self.outputs


def heads(seed: int = 0) -> HeadsMadeByHand:
    generator = torch.Generator().manual_seed(seed)
    box = 4 * torch.rand(2, ROWS, 4, generator=generator)
    embedding = functional.normalize(torch.randn(2, ROWS, DIM, generator=generator), dim=2)
    return HeadsMadeByHand(
        *(tensor.requires_grad_() for tensor in (box, torch.rand(2, ROWS, 2, generator=generator), embedding))
    )


def batch(valid: list[list[bool]], identities: list[list[int]]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    heatmap = 0.9 * torch.rand(2, 1, HEIGHT, WIDTH, generator=generator)
    people = torch.tensor(valid)
    for image in range(2):
        for row in range(ROWS):
            if people[image, row]:
                heatmap[image, 0, row, row] = 1
    return {
        "cells": torch.zeros(2, ROWS, dtype=torch.int64),
        "valid": people,
        "heatmap": heatmap,
        "weight": torch.ones(2, 1, HEIGHT, WIDTH),
        "box": 1 + 3 * torch.rand(2, ROWS, 4, generator=generator),
        "offset": torch.rand(2, ROWS, 2, generator=generator),
        "identity": torch.tensor(identities),
    }


def terms(loss: FairMOTLoss, given: dict[str, Tensor], model: HeadsMadeByHand | None = None) -> dict[str, Tensor]:
    logits = torch.randn(2, 1, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(2))
    result: dict[str, Tensor] = loss(model or heads(), torch.zeros(1), logits, given)
    return result


PRESENT = ([[True, True, False], [True, False, False]], [[2, -1, -1], [0, -1, -1]])


def reference_focal(logits: Tensor, target: Tensor, weight: Tensor) -> float:
    """CornerNet, equation 1, cell by cell, before the division by the number of centres."""
    total = 0.0
    for logit, t, w in zip(
        logits.flatten().tolist(), target.flatten().tolist(), weight.flatten().tolist(), strict=True
    ):
        p = min(max(1 / (1 + math.exp(-logit)), 1e-4), 1 - 1e-4)
        if w == 0:
            continue
        if t == 1:
            total -= math.log(p) * (1 - p) ** 2
        else:
            total -= math.log(1 - p) * p**2 * (1 - t) ** 4
    return total


@pytest.mark.parametrize("centres", [0, 1, 5])
@pytest.mark.parametrize("ignored", [0.0, 0.4, 1.0])
def test_focal_loss_equals_the_reference(centres: int, ignored: float) -> None:
    generator = torch.Generator().manual_seed(centres)
    logits = 6 * torch.randn(2, 1, HEIGHT, WIDTH, generator=generator)
    logits.view(-1)[:2] = torch.tensor([40.0, -40.0])  # beyond the clamp
    target = 0.99 * torch.rand(2, 1, HEIGHT, WIDTH, generator=generator)
    target.view(-1)[torch.randperm(2 * HEIGHT * WIDTH, generator=generator)[:centres]] = 1
    weight = (torch.rand(2, 1, HEIGHT, WIDTH, generator=generator) >= ignored).float()
    found = focal_loss(logits, target, weight).item()
    assert found == pytest.approx(reference_focal(logits, target, weight), rel=1e-4)


def test_giou_equals_torchvisions() -> None:
    """Distances around one centre are boxes around the origin."""
    torch.manual_seed(0)
    a, b = 5 * torch.rand(50, 4), 5 * torch.rand(50, 4)

    def boxes(distances: Tensor) -> Tensor:
        return torch.cat([-distances[:, :2], distances[:, 2:]], dim=1)

    expected = generalized_box_iou(boxes(a), boxes(b)).diagonal()
    torch.testing.assert_close(giou_of_distances(a, b), expected)
    torch.testing.assert_close(giou_of_distances(a, a), torch.ones(50))
    assert giou_of_distances(torch.zeros(0, 4), torch.zeros(0, 4)).shape == (0,)


def test_giou_of_boxes_that_do_not_meet_is_finite_and_has_a_slope() -> None:
    """A centre may be clipped away from its box, and a linear head may answer below zero."""
    predicted = torch.tensor([[-3.0, 1, 5, 1], [-1.0, -1, -1, -1], [0.0, 0, 0, 0]], requires_grad=True)
    target = torch.tensor([[5.0, 1, -3, 1], [2.0, 2, 2, 2], [1.0, 1, 1, 1]])
    found = giou_of_distances(predicted, target)
    assert found.isfinite().all()
    assert (found <= 0).all()
    found.sum().backward()
    assert predicted.grad is not None
    assert predicted.grad.isfinite().all()


def test_terms_are_means_over_people() -> None:
    given, model = batch(*PRESENT), heads()
    found = terms(FairMOTLoss(LossConfig(), DIM, 4), given, model)
    box, offset = model.outputs.box, model.outputs.offset
    people = [(0, 0), (0, 1), (1, 0)]
    l1 = sum((box[i, r] - given["box"][i, r]).abs().sum().item() for i, r in people) / (4 * len(people))
    shift = sum((offset[i, r] - given["offset"][i, r]).abs().sum().item() for i, r in people) / (2 * len(people))
    assert found["box"].item() == pytest.approx(l1, rel=1e-5)
    assert found["offset"].item() == pytest.approx(shift, rel=1e-5)


def test_giou_term() -> None:
    given, model = batch(*PRESENT), heads()
    found = terms(FairMOTLoss(LossConfig(box_loss="giou"), DIM, 4), given, model)
    valid = given["valid"]
    expected = (1 - giou_of_distances(model.outputs.box[valid], given["box"][valid])).mean()
    assert found["box"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_identity_term_is_the_scaled_cross_entropy_of_known_people() -> None:
    given, model = batch(*PRESENT), heads()
    loss = FairMOTLoss(LossConfig(), DIM, 4)
    assert loss.scale == pytest.approx(math.sqrt(2) * math.log(3))
    found = terms(loss, given, model)["identity"]
    known = torch.stack([model.outputs.embedding[0, 0], model.outputs.embedding[1, 0]])
    expected = functional.cross_entropy(loss.classifier(loss.scale * known), torch.tensor([2, 0]))
    torch.testing.assert_close(found, expected)


def reference_identity_focal(logits: Tensor, wanted: list[int]) -> float:
    """RetinaNet, equation 5, alpha 0.25, gamma 2, class by class; mean over people of the sum over classes."""
    total = 0.0
    for row, own in zip(logits.tolist(), wanted, strict=True):
        for number, logit in enumerate(row):
            p = 1 / (1 + math.exp(-logit))
            total -= 0.25 * (1 - p) ** 2 * math.log(p) if number == own else 0.75 * p**2 * math.log(1 - p)
    return total / len(wanted)


def test_focal_identity_term_equals_the_reference() -> None:
    given, model = batch(*PRESENT), heads()
    loss = FairMOTLoss(LossConfig(identity_loss="focal"), DIM, 4)
    nn.init.normal_(loss.classifier.weight, generator=torch.Generator().manual_seed(3))
    nn.init.normal_(loss.classifier.bias, generator=torch.Generator().manual_seed(4))
    found = terms(loss, given, model)
    known = torch.stack([model.outputs.embedding[0, 0], model.outputs.embedding[1, 0]])
    expected = reference_identity_focal(loss.classifier(loss.scale * known), [2, 0])
    assert found["identity"].item() == pytest.approx(expected, rel=1e-5)


def test_the_focal_classifier_starts_at_its_prior() -> None:
    """FairMOT: weights of deviation 0.01, bias -4.595, so every identity starts at a probability of 0.01."""
    torch.manual_seed(0)
    classifier = FairMOTLoss(LossConfig(identity_loss="focal"), 128, 400).classifier
    assert classifier.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert abs(classifier.weight.mean().item()) < 1e-3
    torch.testing.assert_close(classifier.bias, torch.full((400,), -4.595), rtol=0, atol=1e-3)


def test_what_the_terms_are_means_over() -> None:
    given = batch(*PRESENT)
    given["weight"][0, 0, 1, 1] = 0  # one of the three centres lies in an ignored region
    given["identity"][1, 2] = 3  # nobody to be found, but somebody known
    assert count(given).tolist() == [2, 3, 3]
    nobody = batch([[False] * ROWS] * 2, [[-1] * ROWS] * 2)
    assert count(nobody).tolist() == [0, 0, 0]


@pytest.mark.parametrize("box_loss", ["l1", "giou"])
@pytest.mark.parametrize("identity_loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize(
    "present",
    [PRESENT, ([[True, True, True], [False] * 3], [[2, 0, -1], [-1] * 3])],
    ids=["people in both parts", "a part without people"],
)
def test_the_mean_over_parts_is_the_whole(
    box_loss: str, identity_loss: str, present: tuple[list[list[bool]], list[list[int]]]
) -> None:
    """Terms and gradients, when each part is divided by the whole's counts over the number of parts."""
    config = LossConfig(box_loss=box_loss, identity_loss=identity_loss)  # type: ignore[arg-type]
    loss, given = FairMOTLoss(config, DIM, 4), batch(*present)
    logits = torch.randn(2, 1, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(2))
    whole, parts = heads(), heads()

    def leaves(model: HeadsMadeByHand) -> list[Tensor]:
        return [model.outputs.box, model.outputs.offset, model.outputs.embedding, *loss.parameters()]

    expected = loss(whole, torch.zeros(1), logits, given)
    expected_gradients = torch.autograd.grad(expected["loss"], leaves(whole))
    means = dict.fromkeys(expected, torch.zeros(()))
    for i in range(2):
        outputs = parts.outputs
        part = HeadsMadeByHand(outputs.box[i : i + 1], outputs.offset[i : i + 1], outputs.embedding[i : i + 1])
        items = {name: tensor[i : i + 1] for name, tensor in given.items()}
        found = loss(part, torch.zeros(1), logits[i : i + 1], items, count(given) / 2)
        means = {name: means[name] + found[name] / 2 for name in means}
    torch.testing.assert_close(means, expected)
    torch.testing.assert_close(torch.autograd.grad(means["loss"], leaves(parts)), expected_gradients)


def test_fairmots_scale_for_its_own_number_of_identities() -> None:
    assert FairMOTLoss(LossConfig(), 2, 14455).scale == pytest.approx(13.546, abs=1e-3)


def test_total_is_balanced_by_the_uncertainties() -> None:
    loss = FairMOTLoss(LossConfig(box_weight=0.3, offset_weight=0.7), DIM, 4)
    assert (loss.s_det.item(), loss.s_id.item()) == pytest.approx((-1.85, -1.05))
    found = {name: term.item() for name, term in terms(loss, batch(*PRESENT)).items()}
    detection = found["heatmap"] + 0.3 * found["box"] + 0.7 * found["offset"]
    expected = 0.5 * (math.exp(1.85) * detection + math.exp(1.05) * found["identity"] - 1.85 - 1.05)
    assert found["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "config",
    [LossConfig(), LossConfig(box_loss="giou"), LossConfig(identity_loss="focal")],
    ids=["l1", "giou", "focal identity"],
)
@pytest.mark.parametrize(
    "present",
    [([[False] * 3] * 2, [[-1] * 3] * 2), ([[True] * 3] * 2, [[-1] * 3] * 2)],
    ids=["no people", "no known identity"],
)
def test_batches_that_teach_no_identity_stay_finite(
    config: LossConfig, present: tuple[list[list[bool]], list[list[int]]]
) -> None:
    """FairMOT's mean over nobody is 0/0: the NaN of many of its users."""
    loss, model = FairMOTLoss(config, DIM, 4), heads()
    found = terms(loss, batch(*present), model)
    assert found["identity"] == 0
    assert all(term.isfinite() for term in found.values())
    found["loss"].backward()
    leaves = [model.outputs.box, model.outputs.offset, model.outputs.embedding, *loss.parameters()]
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)
    assert loss.classifier.weight.grad is not None
    assert (loss.classifier.weight.grad == 0).all()


@pytest.mark.parametrize("identity_loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("identities", [0, 1, 2])
def test_few_identities(identities: int, identity_loss: Literal["cross_entropy", "focal"]) -> None:
    loss = FairMOTLoss(LossConfig(identity_loss=identity_loss), DIM, identities)
    assert 0 < loss.scale < 1
    known = 0 if identities else -1
    found = terms(loss, batch([[True] * 3] * 2, [[known] * 3] * 2))
    assert all(term.isfinite() for term in found.values())


def test_the_checkpoint_holds_classifier_and_uncertainties() -> None:
    state = FairMOTLoss(LossConfig(), DIM, 4).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == {
        "s_det": (),
        "s_id": (),
        "classifier.weight": (4, DIM),
        "classifier.bias": (4,),
    }
    assert isinstance(FairMOTLoss(LossConfig(), DIM, 4), nn.Module)
