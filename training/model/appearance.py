"""The embedding branch of a detector whose own maps begin at stride 8: a map at stride 4, read at each person's parts.

FairMOT reads its map at the centre alone. Here the box is known when the map is read, so a person is looked at in
places spread over it, from head to feet, whatever the size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.model.heads import gather
from training.model.pafpn import double

STRIDE = 4
# Places within a box, as fractions of its width and height.
ACROSS = (0.25, 0.5, 0.75)
DOWN = tuple((row + 0.5) / 8 for row in range(8))


class AppearanceMap(nn.Module):
    """A fine map of little depth and a coarser one that knows what it shows, added: (N, width, H/4, W/4)."""

    def __init__(self, fine_channels: int, coarse_channels: int, width: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(fine_channels, width, 1)
        self.coarse = nn.Conv2d(coarse_channels, width, 1)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Maps at strides 4 and 8."""
        mixed: Tensor = self.fine(fine) + double(self.coarse(coarse))
        return functional.silu(mixed)

    def at(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """The same of single places: (..., fine channels) and (..., coarse channels) -> (..., width)."""
        here, around = (
            functional.linear(values, layer.weight.flatten(1), layer.bias)
            for values, layer in ((fine, self.fine), (coarse, self.coarse))
        )
        return functional.silu(here + around)


class Appearance(nn.Module):
    """Values of the map in :data:`ACROSS` x :data:`DOWN` places of each box -> an embedding."""

    def __init__(self, width: int, hidden: int, dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width * len(ACROSS) * len(DOWN), hidden)
        self.out = nn.Linear(hidden, dim)

    def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
        """(N, C, H/4, W/4) and boxes (N, K, 4) xyxy in input pixels -> (N, K, dim), rows of length 1."""
        n, k = boxes.shape[:2]
        cells = places(boxes, features.shape[2], features.shape[3])  # (N, K, P)
        return self.describe(gather(features, cells.view(n, -1)).reshape(n, k, -1))

    def describe(self, read: Tensor) -> Tensor:
        """(..., P * C), what was read place by place -> (..., dim), rows of length 1."""
        embedding = self.out(torch.relu(self.hidden(read)))
        return functional.normalize(embedding, dim=-1)


def places(boxes: Tensor, height: int, width: int, stride: int = STRIDE) -> Tensor:
    """Cells y * width + x of a map: boxes (N, K, 4) xyxy -> (N, K, P), row by row; outside, the nearest."""
    x1, y1, x2, y2 = boxes.detach().float().unbind(-1)
    across = torch.tensor(ACROSS, device=boxes.device)
    down = torch.tensor(DOWN, device=boxes.device)
    x = (x1[..., None] + (x2 - x1)[..., None] * across) / stride  # (N, K, 3)
    y = (y1[..., None] + (y2 - y1)[..., None] * down) / stride  # (N, K, 8)
    column = x.floor().clamp(0, width - 1).long()
    row = y.floor().clamp(0, height - 1).long()
    return (row[..., :, None] * width + column[..., None, :]).flatten(2)
