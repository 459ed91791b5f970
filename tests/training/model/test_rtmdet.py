from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mot.errors import MotError
from training.model.appearance import ACROSS, DOWN, Appearance, places
from training.model.networks import NAMES, make_network, make_predictor
from training.model.rtmdet import RTMDet, RTMDetPredictor
from training.model.separable_head import STRIDES, Cells, cell_points

WIDTH, HEIGHT = 96, 64


class Drawn(nn.Module):
    """A network whose cells and boxes are given; embeddings say where they were read."""

    def __init__(self, cells: Cells) -> None:
        super().__init__()
        self.cells = cells
        self.mean = torch.zeros(3, 1, 1)

    def maps(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        return torch.zeros(len(images), 1, HEIGHT // 4, WIDTH // 4), [torch.zeros(len(images), 1, 1, 1)]

    def head(self, _maps: list[Tensor]) -> Cells:
        return self.cells

    def describe(self, _fine: Tensor, _coarse: Tensor, boxes: Tensor) -> Tensor:
        return boxes


def drawn(people: dict[int, tuple[float, list[float]]]) -> Drawn:
    """By cell of stride 8: logit and box xyxy; the others are improbable dots."""
    points = torch.cat([cell_points(HEIGHT // s, WIDTH // s, s) for s in STRIDES])
    strides = torch.cat([torch.full((HEIGHT * WIDTH // s**2,), float(s)) for s in STRIDES])
    logits, distances = torch.full((1, len(points)), -9.0), torch.zeros(1, len(points), 4)
    for cell, (logit, box) in people.items():
        sides = torch.tensor(box)
        logits[0, cell] = logit
        distances[0, cell] = torch.cat([points[cell] - sides[:2], sides[2:] - points[cell]])
    return Drawn(Cells(logits=logits, distances=distances, points=points, strides=strides))


def predict(network: Drawn, top_k: int) -> tuple[Tensor, Tensor, Tensor]:
    image = torch.zeros(1, HEIGHT, WIDTH, 3, dtype=torch.uint8)
    result: tuple[Tensor, Tensor, Tensor] = RTMDetPredictor(network, top_k)(image)  # type: ignore[arg-type]
    return result


def test_the_worse_of_two_boxes_falls_and_the_embedding_is_the_better_ones() -> None:
    one, same, other = [4.0, 4, 24, 44], [5.0, 4, 25, 44], [40.0, 8, 60, 50]
    boxes, scores, embeddings = predict(drawn({13: (2.0, same), 14: (3.0, one), 30: (0.0, other)}), 4)
    torch.testing.assert_close(scores[0, :2], torch.tensor([3.0, 0.0]).sigmoid())
    torch.testing.assert_close(boxes[0, :2], torch.tensor([one, other]))
    torch.testing.assert_close(embeddings, boxes)
    assert (scores[0].diff() <= 0).all()


def test_a_box_inside_out_is_empty() -> None:
    boxes, _, _ = predict(drawn({20: (2.0, [90.0, 60, 30, 10])}), 1)
    assert (boxes[0, :, 2:] >= boxes[0, :, :2]).all()


def test_more_people_than_cells_is_an_error() -> None:
    with pytest.raises(MotError, match="top_k is 500, but the input has 126 cells"):
        predict(drawn({}), 500)


def test_a_person_is_read_from_head_to_feet() -> None:
    """A box of 16 x 32 pixels at (8, 16): columns at 12, 16, 20, rows at 18, 22, ... 46; cells of 4 pixels."""
    found = places(torch.tensor([[[8.0, 16, 24, 48]]]), HEIGHT // 4, WIDTH // 4)
    columns, rows = [3, 4, 5], range(4, 12)
    assert found[0, 0].tolist() == [row * (WIDTH // 4) + column for row in rows for column in columns]


def test_outside_of_the_image_the_nearest_cell_is_read() -> None:
    found = places(torch.tensor([[[-50.0, -50, -10, -10], [200, 200, 300, 300]]]), HEIGHT // 4, WIDTH // 4)
    assert set(found[0, 0].tolist()) == {0}
    assert set(found[0, 1].tolist()) == {(HEIGHT // 4) * (WIDTH // 4) - 1}


def test_embeddings_have_length_one_and_depend_on_the_box() -> None:
    torch.manual_seed(0)
    branch = Appearance(6, 16, 8)
    assert branch.hidden.in_features == 6 * len(ACROSS) * len(DOWN)
    features = torch.randn(2, 6, HEIGHT // 4, WIDTH // 4)
    boxes = torch.tensor([[[8.0, 16, 24, 48], [40, 8, 60, 50]]]).repeat(2, 1, 1)
    found = branch(features, boxes)
    assert found.shape == (2, 2, 8)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(2, 2))
    assert not torch.allclose(found[:, 0], found[:, 1])


def test_sights_are_all_that_an_embedding_is_made_of() -> None:
    network = make_network("rtmdet_nano").eval()
    assert isinstance(network, RTMDet)
    images = torch.rand(2, 3, HEIGHT, WIDTH) * 255
    boxes = torch.tensor([[[8.0, 16, 24, 48], [40, 8, 60, 50], [-50, -50, 300, 300]]]).repeat(2, 1, 1)
    features, _ = network(images)
    fine, coarse = network.sights(images, boxes)
    assert fine.shape == (2, 3, 24, 32) and coarse.shape == (2, 3, 24, 64)
    made = network.embedding.describe(network.appearance.at(fine, coarse).flatten(-2))
    torch.testing.assert_close(made, network.embed(features, boxes))


def test_describing_boxes_reads_the_same_places_as_the_whole_map() -> None:
    """Boxes small and large, over the borders, and on the lines between cells of both maps."""
    network = make_network("rtmdet_nano").eval()
    assert isinstance(network, RTMDet)
    images = torch.rand(2, 3, HEIGHT, WIDTH) * 255
    low = torch.rand(2, 40, 2) * torch.tensor([WIDTH, HEIGHT])
    boxes = torch.cat([low, low + torch.rand(2, 40, 2) * 60 - 5], dim=-1)
    boxes[:, :20] = (boxes[:, :20] / 4).round() * 4
    boxes[:, 0] = torch.tensor([-50.0, -50, 300, 300])
    fine, (coarse, *_) = network.maps(images)
    made = network.describe(fine, coarse, boxes)
    torch.testing.assert_close(made, network.embed(network.appearance(fine, coarse), boxes))


def test_a_dense_predictor_gives_the_same_people() -> None:
    network = make_network("rtmdet_nano").eval()
    image = torch.randint(0, 256, (2, HEIGHT, WIDTH, 3), dtype=torch.uint8)
    with torch.inference_mode():
        few, whole = (make_predictor(network, 8, dense=dense)(image) for dense in (False, True))
    for one, other in zip(few, whole, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_cells_cover_the_strides_in_order() -> None:
    network = make_network("rtmdet_nano").eval()
    features, cells = network(torch.zeros(2, 3, HEIGHT, WIDTH))
    assert features.shape == (2, 48, HEIGHT // 4, WIDTH // 4)
    assert cells.logits.shape == (2, 126)
    assert cells.boxes.shape == (2, 126, 4)
    assert cells.points[[0, 1, 12, 96, 120]].tolist() == [[0, 0], [8, 0], [0, 8], [0, 0], [0, 0]]
    assert cells.strides[[0, 95, 96, 119, 120]].tolist() == [8, 8, 16, 16, 32]
    assert cells.logits.sigmoid().max() < 0.1  # nobody, at a random start


def test_every_name_makes_a_network_with_its_predictor() -> None:
    assert "rtmdet_nano" in NAMES
    network = make_network("rtmdet_nano")
    assert isinstance(network, RTMDet)
    assert isinstance(make_predictor(network, 8), RTMDetPredictor)
    with pytest.raises(MotError, match=r"architecture 'dla_34' is unknown; choose one of mit_b1, .*rtmdet_nano"):
        make_network("dla_34")


def test_deformable_convolutions_start_by_adding_nothing() -> None:
    """So that published weights mean the same; and they learn, their places too once they add something."""
    plain, deformable = make_network("rtmdet_nano").eval(), make_network("rtmdet_nano_dcn").eval()
    assert isinstance(plain, RTMDet) and isinstance(deformable, RTMDet)
    missing, unexpected = deformable.load_state_dict(plain.state_dict(), strict=False)
    assert {name.split(".")[0] for name in missing} == {"deformable"} and not unexpected
    images = torch.rand(1, 3, HEIGHT, WIDTH) * 255
    torch.testing.assert_close(deformable(images)[1].logits, plain(images)[1].logits)
    for layer in deformable.deformable.values():
        nn.init.normal_(layer.weight, std=0.1)  # type: ignore[arg-type]
    (moved := deformable(images)[1].logits).sum().backward()
    assert not torch.allclose(moved, plain(images)[1].logits, atol=1e-3)
    for name, parameter in deformable.deformable.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
