"""CSPNeXt's path aggregation: from coarse to fine and back, then a common width.

Source: mmdetection ``models/necks/cspnext_pafpn.py`` at RTMDet-nano's widths. Submodules stand in the order of the
published file's convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.model.csp import Conv
from training.model.cspnext import CSPLayer, Separable


class CSPNeXtPAFPN(nn.Module):
    """Maps at strides 8, 16, 32 -> maps of ``width`` channels at the same strides."""

    width = 64

    def __init__(self, channels: Sequence[int] = (64, 128, 256)) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.reduce5 = Conv(coarse, middle)
        self.down_path4 = CSPLayer(2 * middle, middle)
        self.reduce4 = Conv(middle, fine)
        self.down_path3 = CSPLayer(2 * fine, fine)
        self.shrink3 = Separable(fine, fine, 3, 2)
        self.up_path4 = CSPLayer(2 * fine, middle)
        self.shrink4 = Separable(middle, middle, 3, 2)
        self.up_path5 = CSPLayer(2 * middle, coarse)
        self.out = nn.ModuleList([Separable(count, self.width) for count in channels])

    def forward(self, c3: Tensor, c4: Tensor, c5: Tensor) -> list[Tensor]:
        top5 = self.reduce5(c5)
        top4 = self.reduce4(self.down_path4(torch.cat([double(top5), c4], dim=1)))
        n3 = self.down_path3(torch.cat([double(top4), c3], dim=1))
        n4 = self.up_path4(torch.cat([self.shrink3(n3), top4], dim=1))
        n5 = self.up_path5(torch.cat([self.shrink4(n4), top5], dim=1))
        return [out(level) for out, level in zip(self.out, (n3, n4, n5), strict=True)]


def double(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), each cell four times."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
