"""RTMDet's head: at each level two separable convolutions for the class and two for the box, without anchors.

Source: mmdetection ``models/dense_heads/rtmdet_head.py`` (``RTMDetSepBNHead``, one class, ``exp_on_reg=False``).
Its levels share convolutions but not BatchNorm; folded, they share nothing. Submodules stand in the order of the
published file's convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.model.cspnext import Separable

STRIDES = (8, 16, 32)
# At a random start: sigmoid(-4.595) = 0.01 is how probable a person in a cell is (RetinaNet), and boxes have a size, in
# strides either way, because a box that overlaps with nobody learns nothing.
PRIOR = -4.595
SIZE = 2.0


@dataclass(frozen=True, kw_only=True)
class Cells:
    """What the head says of each of A cells, level by level, row by row."""

    logits: Tensor  # (N, A) of a person
    distances: Tensor  # (N, A, 4) left, top, right, bottom of the cell's point; input pixels, as they come
    points: Tensor  # (A, 2) x, y; input pixels
    strides: Tensor  # (A,) of the cell's level, pixels

    @property
    def boxes(self) -> Tensor:
        """(N, A, 4) xyxy, input pixels; a negative distance turns a box inside out."""
        low, high = self.distances.chunk(2, dim=-1)
        return torch.cat([self.points - low, self.points + high], dim=-1)


class Level(nn.Module):
    """One stride's part."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.class_convs = nn.Sequential(Separable(width, width), Separable(width, width))
        self.person = nn.Conv2d(width, 1, 1)
        self.box_convs = nn.Sequential(Separable(width, width), Separable(width, width))
        self.box = nn.Conv2d(width, 4, 1)
        assert self.person.bias is not None
        assert self.box.bias is not None
        nn.init.constant_(self.person.bias, PRIOR)
        nn.init.constant_(self.box.bias, SIZE)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) -> logits (N, H*W), distances in strides (N, H*W, 4)."""
        logits = self.person(self.class_convs(x)).flatten(1)
        distances = self.box(self.box_convs(x)).flatten(2).transpose(1, 2)
        return logits, distances


class SeparableHead(nn.Module):
    """Maps at :data:`STRIDES` -> :class:`Cells`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList([Level(width) for _ in STRIDES])

    def forward(self, maps: Sequence[Tensor]) -> Cells:
        found = [level(x) for level, x in zip(self.levels, maps, strict=True)]
        points = [cell_points(x.shape[2], x.shape[3], stride) for x, stride in zip(maps, STRIDES, strict=True)]
        steps = [torch.full((len(p),), float(stride)) for p, stride in zip(points, STRIDES, strict=True)]
        like = found[0][0]
        strides = torch.cat(steps).to(like.device)
        return Cells(
            logits=torch.cat([logits for logits, _ in found], dim=1),
            distances=torch.cat([distances for _, distances in found], dim=1).float() * strides[:, None],
            points=torch.cat(points).to(like.device),
            strides=strides,
        )


def cell_points(height: int, width: int, stride: int) -> Tensor:
    """(H*W, 2) x, y of each cell's point, row by row: its top left corner, as mmdetection's offset 0 has it."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return stride * torch.stack([x.flatten(), y.flatten()], dim=1).float()
