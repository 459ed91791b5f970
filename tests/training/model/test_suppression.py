from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou, nms

from training.model.suppression import pairwise_iou, survivors


def crowd(seed: int, count: int) -> Tensor:
    """Boxes of people in a row, several of each, best first."""
    generator = torch.Generator().manual_seed(seed)
    people = torch.rand(count // 6 + 1, 1, 2, generator=generator) * 200
    low = (people + 8 * torch.randn(len(people), 6, 2, generator=generator)).reshape(-1, 2)[:count]
    return torch.cat([low, low + torch.tensor([30.0, 80]) * (0.8 + 0.4 * torch.rand(count, 1, generator=generator))], 1)


def test_iou_is_torchvisions() -> None:
    a, b = crowd(0, 40), crowd(1, 30)
    torch.testing.assert_close(pairwise_iou(a, b), box_iou(a, b))


def test_boxes_without_area_overlap_with_nothing() -> None:
    empty = torch.tensor([[3.0, 3, 3, 9], [5, 5, 2, 2]])
    assert (pairwise_iou(empty, empty) == 0).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.4, 0.6])
def test_survivors_are_those_of_greedy_suppression(seed: int, threshold: float) -> None:
    boxes = crowd(seed, 200)
    scores = torch.linspace(1, 0.1, len(boxes))
    expected = torch.zeros(len(boxes))
    expected[nms(boxes, scores, threshold)] = 1
    assert survivors(boxes[None], threshold)[0].tolist() == expected.tolist()


def test_a_chain_needs_a_round_for_each_link() -> None:
    """Each box overlaps its neighbours alone: greedy keeps every second one."""
    low = torch.arange(6.0)[:, None] * torch.tensor([[5.0, 0]])
    boxes = torch.cat([low, low + torch.tensor([10.0, 10])], dim=1)[None]
    assert survivors(boxes, 0.3)[0].tolist() == [1, 0, 1, 0, 1, 0]
    assert survivors(boxes, 0.3, rounds=1)[0].tolist() == [1, 0, 0, 0, 0, 0]


def test_images_of_a_batch_do_not_mix() -> None:
    two = torch.stack([crowd(0, 50), crowd(1, 50)])
    torch.testing.assert_close(survivors(two, 0.6), torch.cat([survivors(two[:1], 0.6), survivors(two[1:], 0.6)]))


def test_boxes_apart_in_both_directions_do_not_overlap() -> None:
    """Width and height of what they share are both below 0; their product is not."""
    boxes = torch.tensor([[[0.0, 0, 10, 10], [50, 50, 60, 60], [50, 50, 60, 60]]])
    assert survivors(boxes, 0.3)[0].tolist() == [1, 1, 0]
