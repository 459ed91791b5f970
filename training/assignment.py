"""Which cells of a detector learn which person: the cheapest ones, as many as the boxes found so far deserve.

Source: RTMDet's dynamic soft label assignment (Lyu et al., 2022, section 3.3; mmdetection
``dynamic_soft_label_assigner.py``), itself a softened SimOTA (Ge et al., "YOLOX", 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.model.suppression import pairwise_iou

CANDIDATES = 13  # best IoUs whose sum says how many cells a person gets
CENTRE_RADIUS = 3.0  # strides from the person's centre at which a cell costs 1 for being far
IOU_WEIGHT = 3.0
NEVER = 1e8  # the cost of a cell outside of the person's box


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """For each of A cells of one image."""

    person: Tensor  # (A,) row of the person it learns, or -1: background
    quality: Tensor  # (A,) IoU of its box with that person's; 0 for background


@torch.no_grad()
def assign(logits: Tensor, boxes: Tensor, points: Tensor, strides: Tensor, people: Tensor) -> Assignment:
    """Assign the cells of one image.

    Args:
        logits: (A,) of a person.
        boxes: (A, 4) predicted, xyxy, pixels.
        points: (A, 2) x, y of the cells, pixels.
        strides: (A,) pixels.
        people: (G, 4) xyxy, pixels; may leave the image.
    """
    person = torch.full((len(points),), -1, dtype=torch.int64, device=points.device)
    quality = torch.zeros(len(points), device=points.device)
    inside = within(points, people)  # (A, G)
    rows = inside.any(dim=1).nonzero()[:, 0]
    if not len(rows):
        return Assignment(person=person, quality=quality)
    iou = pairwise_iou(boxes[rows], people)  # (R, G)
    cost = costs(logits[rows], iou, points[rows], strides[rows], people)
    chosen = cheapest(cost.masked_fill(~inside[rows], NEVER), iou)
    mine = chosen.any(dim=1).nonzero()[:, 0]
    whose = chosen[mine].float().argmax(dim=1)
    person[rows[mine]] = whose
    quality[rows[mine]] = iou[mine, whose]
    return Assignment(person=person, quality=quality)


def within(points: Tensor, people: Tensor) -> Tensor:
    """(A, G) whether a point lies strictly within a person's box."""
    from_low = points[:, None] - people[None, :, :2]
    to_high = people[None, :, 2:] - points[:, None]
    return (torch.cat([from_low, to_high], dim=-1) > 0).all(dim=-1)


def costs(logits: Tensor, iou: Tensor, points: Tensor, strides: Tensor, people: Tensor) -> Tensor:
    """(R, G) what it costs a cell to learn a person: class, overlap, distance from the centre."""
    score = logits[:, None].expand_as(iou)
    by_class = functional.binary_cross_entropy_with_logits(score, iou, reduction="none")
    by_class = by_class * (iou - score.sigmoid()).abs() ** 2
    by_overlap = -IOU_WEIGHT * (iou + 1e-7).log()
    centres = (people[:, :2] + people[:, 2:]) / 2
    far = (points[:, None] - centres[None]).norm(dim=-1) / strides[:, None]
    return by_class + by_overlap + torch.pow(10, far - CENTRE_RADIUS)


def cheapest(cost: Tensor, iou: Tensor) -> Tensor:
    """(R, G) bool: each person's k cheapest cells, k the rounded-down sum of its best IoUs, at least 1.

    A cell that several people want goes to the one whom it costs least.
    """
    k = iou.topk(min(CANDIDATES, len(iou)), dim=0).values.sum(dim=0).int().clamp(min=1)  # (G,)
    rank = cost.argsort(dim=0, stable=True).argsort(dim=0)
    chosen = (rank < k) & (cost < NEVER)
    own = functional.one_hot(cost.masked_fill(~chosen, torch.inf).argmin(dim=1), cost.shape[1]).bool()
    return chosen & own
