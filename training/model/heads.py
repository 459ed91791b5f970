"""The four heads: heatmap, box, offset, identity; each 3x3 convolution, ReLU, 1x1 convolution.

Only the heatmap is needed everywhere. The others are needed at object centres alone (labelled centres
in training, peaks in inference), so they can be computed there from gathered 3x3 patches: the same
numbers for a fraction of the work.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def gather_patches(features: Tensor, cells: Tensor) -> Tensor:
    """3x3 neighbourhoods around chosen cells, zeros outside the map.

    Args:
        features: (N, C, H, W).
        cells: (N, K) row-major cell numbers y * W + x.

    Returns:
        (N, K, C * 9), laid out as a flattened convolution weight expects.
    """
    n, c, _, w = features.shape
    k = cells.shape[1]
    padded = functional.pad(features, (1, 1, 1, 1)).flatten(2)  # (N, C, (H+2)*(W+2))
    top_left = cells // w * (w + 2) + cells % w  # the padded map's top left corner of each patch
    steps = torch.tensor([dy * (w + 2) + dx for dy in range(3) for dx in range(3)], device=cells.device)
    index = (top_left[:, :, None] + steps).view(n, 1, k * 9).expand(n, c, k * 9)
    patches = padded.gather(2, index).view(n, c, k, 9)
    return patches.permute(0, 2, 1, 3).reshape(n, k, c * 9)


def gather(maps: Tensor, cells: Tensor) -> Tensor:
    """Values of maps (N, C, H, W) at cells (N, K), row-major numbers y * W + x: (N, K, C)."""
    index = cells[:, None].expand(-1, maps.shape[1], -1)
    return maps.flatten(2).gather(2, index).transpose(1, 2)


class Head(nn.Module):
    """conv3x3 -> ReLU -> conv1x1, densely or at chosen cells."""

    def __init__(self, in_channels: int, hidden: int, out_channels: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(in_channels, hidden, 3, padding=1)
        self.out = nn.Conv2d(hidden, out_channels, 1)
        for conv in (self.hidden, self.out):
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, out, H, W)."""
        result: Tensor = self.out(torch.relu(self.hidden(features)))
        return result

    def at(self, patches: Tensor) -> Tensor:
        """(N, K, C * 9) of :func:`gather_patches` -> (N, K, out)."""
        hidden = torch.relu(functional.linear(patches, self.hidden.weight.flatten(1), self.hidden.bias))
        return functional.linear(hidden, self.out.weight.flatten(1), self.out.bias)
