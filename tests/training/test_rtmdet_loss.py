from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.nn import functional

from mot.errors import MotError
from tests.training.runs import assert_equal, losses, recipe, train_on_cpu
from training.data.targets import make_targets
from training.losses import FairMOTLoss, LossConfig, count
from training.model.appearance import STRIDE
from training.model.networks import make_network
from training.model.rtmdet import RTMDet
from training.model.separable_head import Cells, cell_points
from training.objective import make_loss
from training.rtmdet_loss import CELLS, RTMDetLoss, cell_weights, labelled_boxes, quality_focal_loss

WIDTH, HEIGHT = 64, 32  # pixels
GIOU = LossConfig(box_loss="giou", box_weight=2.0)


def batch(
    boxes: list[list[float]], classes: list[int] | None = None, ids: list[int] | None = None
) -> dict[str, Tensor]:
    """One image's targets; boxes xyxy in pixels."""
    targets = make_targets(
        np.array(boxes, np.float32).reshape(-1, 4) / STRIDE,
        np.array(classes or [0] * len(boxes), np.int64),
        np.array(ids or [-1] * len(boxes), np.int64),
        height=HEIGHT // STRIDE,
        width=WIDTH // STRIDE,
        max_objects=4,
    )
    return {name: torch.from_numpy(value)[None] for name, value in vars(targets).items()}


def cells(logit: float, box: tuple[float, float, float, float]) -> Cells:
    """Every cell says the same score and the same box."""
    points = torch.cat([cell_points(HEIGHT // s, WIDTH // s, s) for s in (8, 16, 32)])
    strides = torch.cat([torch.full((HEIGHT * WIDTH // s**2,), float(s)) for s in (8, 16, 32)])
    sides = torch.tensor(box)
    distances = torch.cat([points - sides[:2], sides[2:] - points], dim=1)
    return Cells(logits=torch.full((1, len(points)), logit), distances=distances[None], points=points, strides=strides)


class Embeds:
    """Answers the loss's only question to the network: each row's embedding."""

    training = False

    def __init__(self, embeddings: Tensor) -> None:
        self.embeddings = functional.normalize(embeddings, dim=-1)

    def embed(self, _features: Tensor, boxes: Tensor) -> Tensor:
        self.boxes = boxes
        return self.embeddings


def terms(loss: RTMDetLoss, found: Cells, given: dict[str, Tensor], model: Embeds | None = None) -> dict[str, Tensor]:
    features = torch.zeros(1, 1, HEIGHT // STRIDE, WIDTH // STRIDE)
    result: dict[str, Tensor] = loss(model or Embeds(torch.ones(1, 4, 2)), features, found, given)
    return result


def test_quality_focal_loss_by_hand() -> None:
    """p = 0.5 against 0.8: ln 2 x 0.3^2; p = 0.75 against background: ln 4 x 0.75^2; the third has no weight."""
    logits = torch.tensor([[0.0, math.log(3), 5.0]])
    found = quality_focal_loss(logits, torch.tensor([[0.8, 0.0, 0.0]]), torch.tensor([[1.0, 1.0, 0.0]]))
    assert found.item() == pytest.approx(math.log(2) * 0.09 + math.log(4) * 0.5625, rel=1e-5)


def test_labelled_boxes_come_back_amodal() -> None:
    boxes = [[-20.0, 3, 12, 30], [10, 5, 21, 27]]
    found = labelled_boxes(batch(boxes), WIDTH // STRIDE)[0, :2]
    torch.testing.assert_close(found.sort(dim=0).values, torch.tensor(boxes).sort(dim=0).values)


def test_weights_are_those_at_the_cells_points() -> None:
    weight = torch.ones(1, 1, 8, 16)
    weight[0, 0, 4, 8] = 0  # pixel (32, 16): a point of strides 8 and 16, of 32 not
    found = cell_weights(weight)[0]
    assert len(found) == 4 * 8 + 2 * 4 + 1 * 2
    assert torch.nonzero(found == 0)[:, 0].tolist() == [2 * 8 + 4, 32 + 1 * 4 + 2]


def test_exact_boxes_cost_nothing_and_scores_of_one_half_cost_what_they_should() -> None:
    person = (8.0, 0.0, 40.0, 32.0)
    found = cells(0.0, person)
    values = terms(RTMDetLoss(GIOU, 2, 1), found, batch([list(person)]))
    learned = 13  # IoU 1: as many cells as there are candidates, or as lie within
    inside = int(((found.points > torch.tensor(person[:2])) & (found.points < torch.tensor(person[2:]))).all(1).sum())
    positives = min(learned, inside)
    rest = len(found.points) - positives
    assert values["box"].item() == pytest.approx(0, abs=1e-6)
    assert values["heatmap"].item() == pytest.approx(math.log(2) * 0.25 * (positives + rest) / CELLS, rel=1e-5)
    assert values["offset"] == 0


def test_ignored_regions_are_neither_people_nor_background() -> None:
    everything = [-10.0, -10, 80, 50]
    sure = cells(4.0, (0, 0, 8, 8))
    assert terms(RTMDetLoss(GIOU, 2, 1), sure, batch([everything], [-1]))["heatmap"] == 0
    assert terms(RTMDetLoss(GIOU, 2, 1), sure, batch([]))["heatmap"] > 1


def test_a_person_within_an_ignored_region_is_learned() -> None:
    person = [8.0, 0, 40, 32]
    low = terms(RTMDetLoss(GIOU, 2, 1), cells(-4.0, (8, 0, 40, 32)), batch([[-10, -10, 80, 50], person], [-1, 0]))
    high = terms(RTMDetLoss(GIOU, 2, 1), cells(4.0, (8, 0, 40, 32)), batch([[-10, -10, 80, 50], person], [-1, 0]))
    assert low["heatmap"] > 10 * high["heatmap"]


def test_identities_of_the_known_alone_are_learned() -> None:
    """Two people, one unknown, and an ignored one who is known."""
    loss = RTMDetLoss(GIOU, 2, 3)
    given = batch([[0, 0, 20, 30], [30, 0, 50, 30], [5, 5, 9, 9]], [0, 0, -1], [2, -1, 1])
    model = Embeds(torch.tensor([[[1.0, 0], [0, 1], [1, 1], [1, -1]]]))
    found = terms(loss, cells(-4.0, (0, 0, 20, 30)), given, model)["identity"]
    rows = {int(i): row for row, i in enumerate(given["identity"][0]) if i >= 0}
    assert set(rows) == {1, 2}
    logits = loss.classifier(loss.scale * model.embeddings[0, list(rows.values())])
    assert found.item() == pytest.approx(functional.cross_entropy(logits, torch.tensor(list(rows))).item(), rel=1e-5)
    assert terms(loss, cells(-4.0, (0, 0, 20, 30)), batch([[0, 0, 20, 30]]))["identity"] == 0


def test_both_uncertainties_are_learned() -> None:
    loss = RTMDetLoss(GIOU, 2, 3)
    values = terms(loss, cells(0.0, (0, 0, 20, 30)), batch([[0, 0, 20, 30]], None, [1]))
    detection = values["heatmap"] + 2 * values["box"]
    expected = 0.5 * (math.exp(1.85) * detection + math.exp(1.05) * values["identity"] - 1.85 - 1.05)
    assert values["loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    values["loss"].backward()  # type: ignore[no-untyped-call]
    assert loss.s_det.grad is not None
    assert loss.s_id.grad is not None


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    torch.manual_seed(0)
    model = make_network("rtmdet_nano").eval()
    assert isinstance(model, RTMDet)
    loss = RTMDetLoss(GIOU, model.config.embedding_dim, 4)
    one, two = batch([[0, 0, 20, 30]], None, [1]), batch([[5, 0, 25, 30], [30, 2, 45, 31]], None, [2, 3])
    both = {name: torch.cat([one[name], two[name]]) for name in one}
    images = torch.rand(2, 3, HEIGHT, WIDTH) * 255

    def of(items: dict[str, Tensor], pixels: Tensor, counts: Tensor) -> Tensor:
        features, found = model(pixels)
        value: Tensor = loss(model, features, found, items, counts)["loss"]
        return value

    whole = of(both, images, count(both))
    parts = [of(items, images[i : i + 1], count(both) / 2) for i, items in enumerate((one, two))]
    assert (sum(parts) / 2).item() == pytest.approx(whole.item(), rel=1e-4)  # type: ignore[union-attr]


def test_other_losses_are_refused() -> None:
    with pytest.raises(MotError, match=r"loss\.box_loss is 'l1'; rtmdet_nano is trained with 'giou' alone"):
        make_loss(make_network("rtmdet_nano"), LossConfig(), 3)
    assert isinstance(make_loss(make_network("yolox_nano"), LossConfig(), 3), FairMOTLoss)


def test_a_run_is_resumed_as_if_it_had_never_stopped(people: Path, tmp_path: Path, row_a_step: None) -> None:
    given = recipe(architecture="rtmdet_nano", loss={"box_loss": "giou", "box_weight": 2.0})
    whole = train_on_cpu(given, people, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_on_cpu(given, people, tmp_path / "parts", stop_at=4)
    parts = train_on_cpu(given, people, tmp_path / "parts", resume=True)
    assert_equal(whole, parts)


def test_a_few_images_are_learned_by_heart(people: Path, tmp_path: Path, row_a_step: None) -> None:
    """From a random start, without augmentation."""
    still = {"rotate": 0.0, "scale": [1.0, 1.0], "translate": 0.0, "shear": 0.0, "flip": 0.0}
    given = recipe(
        architecture="rtmdet_nano",
        loss={"box_loss": "giou", "box_weight": 2.0},
        augment=still | {"saturation": [1.0, 1.0], "value": [1.0, 1.0]},
        epochs=30,
        lr=4e-3,
    )
    train_on_cpu(given, people, tmp_path / "out", fabric=Fabric(accelerator="cpu", devices=1))
    curve = losses(tmp_path / "out")
    assert np.mean(curve[-5:]) < 0.5 * np.mean(curve[:5])
