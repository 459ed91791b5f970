"""Non-maximum suppression as a fixed number of matrix products, for any runtime.

Source: Zheng et al., "Enhancing Geometric Factors in Model Learning and Inference for Object Detection and Instance
Segmentation", 2020 (Cluster-NMS): starting with every box kept, a box falls if a better box that is kept overlaps it
too much. After t rounds the result is that of greedy suppression for all boxes at the ends of chains of at most t
boxes that suppress one another; crowds have short chains.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDS = 16


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes xyxy: (..., A, 4) and (..., B, 4) -> (..., A, B); 0 for boxes without area."""
    ax1, ay1, ax2, ay2 = a.unsqueeze(-2).unbind(-1)  # (..., A, 1): whole rows at a time are faster than pairs
    bx1, by1, bx2, by2 = b.unsqueeze(-3).unbind(-1)  # (..., 1, B)
    width = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp(min=0)
    height = (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp(min=0)
    inner = width * height
    area_a = (ax2 - ax1).clamp(min=0) * (ay2 - ay1).clamp(min=0)
    area_b = (bx2 - bx1).clamp(min=0) * (by2 - by1).clamp(min=0)
    return inner / (area_a + area_b - inner).clamp(min=1e-6)


def survivors(boxes: Tensor, threshold: float, rounds: int = ROUNDS) -> Tensor:
    """Which boxes greedy suppression keeps.

    Args:
        boxes: (N, C, 4) xyxy, best first.
        threshold: IoU above which the worse of two boxes falls.

    Returns:
        (N, C) float, 1 where a box is kept and 0 where not.
    """
    count = boxes.shape[1]
    order = torch.arange(count, device=boxes.device)
    better = order[:, None] < order  # (C, C): row before column
    falls = (_overlap(boxes, threshold) & better).to(boxes.dtype)  # (N, C, C): column falls because of row
    kept = torch.ones_like(boxes[:, None, :, 0])  # (N, 1, C)
    for _ in range(rounds):
        kept = torch.relu(1 - kept @ falls)  # one whole box that is better and kept is enough to fall
    return kept[:, 0]


def _overlap(boxes: Tensor, threshold: float) -> Tensor:
    """(N, C, 4) -> (N, C, C), whether a pair's IoU is above ``threshold`` > 0, in few steps over all pairs.

    inner / (a + b - inner) > t is inner > (a + b) / (1 + 1/t); one of width and height may stay below 0, no product of
    the two is then above.
    """
    ax1, ay1, ax2, ay2 = boxes[:, :, None].unbind(-1)  # (N, C, 1)
    bx1, by1, bx2, by2 = boxes[:, None].unbind(-1)  # (N, 1, C)
    scale = 1 + 1 / threshold
    width = torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)
    height = (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp(min=0)
    area = (ax2 - ax1).clamp(min=0) * (ay2 - ay1).clamp(min=0) / scale  # (N, C, 1)
    return width * height > area + area.transpose(1, 2)
