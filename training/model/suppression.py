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
    falls = ((pairwise_iou(boxes, boxes) > threshold) & better).float()  # (N, C, C): column falls because of row
    kept = torch.ones_like(boxes[..., 0])
    for _ in range(rounds):
        kept = ((kept[:, None] @ falls)[:, 0] < 0.5).float()
    return kept
