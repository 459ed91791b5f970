from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from training.assignment import CANDIDATES, assign, cheapest, costs, within
from training.model.separable_head import cell_points

STRIDE = 8
POINTS = cell_points(6, 8, STRIDE)  # x 0..56, y 0..40
STRIDES = torch.full((len(POINTS),), float(STRIDE))


def around(*boxes: tuple[float, float, float, float]) -> Tensor:
    """Every cell predicts the first box that it lies in, else a dot."""
    found = torch.cat([POINTS, POINTS + 1], dim=1)
    for box in reversed(boxes):
        found[within(POINTS, torch.tensor([box], dtype=torch.float32))[:, 0]] = torch.tensor(box, dtype=torch.float32)
    return found


def test_points_on_a_side_are_outside() -> None:
    inside = within(POINTS, torch.tensor([[8.0, 8, 24, 32]]))[:, 0]
    assert POINTS[inside].tolist() == [[16, 16], [16, 24]]


def test_cost_by_hand() -> None:
    """A cell one stride beside the centre, score 0.5, IoU 0.25."""
    cost = costs(
        torch.zeros(1),
        torch.tensor([[0.25]]),
        torch.tensor([[16.0, 8]]),
        torch.tensor([8.0]),
        torch.tensor([[0, 0, 16.0, 16]]),
    )
    by_class = math.log(2) * 0.25**2  # cross entropy at p = 0.5 is ln 2 whatever the target
    assert cost.item() == pytest.approx(by_class - 3 * math.log(0.25) + 10 ** (1 - 3), rel=1e-5)


def test_as_many_cells_as_the_overlaps_sum_up_to() -> None:
    """Six cells with IoU 0.6 sum up to 3.6: three cells learn, those nearest to the centre."""
    iou = torch.full((6, 1), 0.6)
    cost = torch.tensor([[5.0], [1], [4], [2], [3], [6]])
    assert cheapest(cost, iou)[:, 0].tolist() == [False, True, False, True, True, False]


def test_at_least_one_cell_and_only_from_the_best_candidates() -> None:
    assert cheapest(torch.tensor([[2.0], [1.0]]), torch.full((2, 1), 0.1))[:, 0].tolist() == [False, True]
    many = torch.full((30, 1), 1.0)
    assert cheapest(torch.arange(30.0)[:, None], many).sum() == CANDIDATES


def test_a_cell_that_two_want_goes_to_whom_it_costs_less() -> None:
    cost = torch.tensor([[1.0, 2.0], [5.0, 6.0]])
    assert cheapest(cost, torch.full((2, 2), 0.4)).tolist() == [[True, False], [False, False]]


def test_two_people_and_background() -> None:
    people = torch.tensor([[4.0, 4, 28, 44], [36.0, 4, 60, 44]])
    given = assign(torch.zeros(len(POINTS)), around(*people.tolist()), POINTS, STRIDES, people)  # type: ignore[arg-type]
    for row, box in enumerate(people):
        mine = POINTS[given.person == row]
        assert within(mine, box[None]).all()
        assert len(mine) == CANDIDATES  # all predict the whole box
    assert given.quality[given.person >= 0] == pytest.approx(1)
    assert (given.quality[given.person < 0] == 0).all()
    outside = ~within(POINTS, people).any(dim=1)
    assert (given.person[outside] == -1).all()


def test_a_person_partly_outside_and_one_between_the_cells() -> None:
    people = torch.tensor([[-20.0, 10, 12, 40], [49.0, 9, 55, 15]])
    given = assign(torch.zeros(len(POINTS)), around(*people.tolist()), POINTS, STRIDES, people)  # type: ignore[arg-type]
    assert set(given.person.tolist()) == {-1, 0}
    assert (POINTS[given.person == 0][:, 0] <= 8).all()


def test_nobody() -> None:
    given = assign(torch.zeros(len(POINTS)), around(), POINTS, STRIDES, torch.zeros(0, 4))
    assert (given.person == -1).all()
    assert (given.quality == 0).all()


def test_better_boxes_are_worth_more_cells() -> None:
    person = torch.tensor([[4.0, 4, 60, 44]])
    exact = around((4, 4, 60, 44))
    poor = functional.pad(exact[:, :2], (0, 2)) + torch.cat([torch.zeros(len(exact), 2), exact[:, :2] + 20], dim=1)
    numbers = [
        int((assign(torch.zeros(len(POINTS)), boxes, POINTS, STRIDES, person).person == 0).sum())
        for boxes in (exact, poor)
    ]
    assert numbers[0] == CANDIDATES > numbers[1] >= 1
