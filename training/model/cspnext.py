"""CSPNeXt, RTMDet's backbone, at the size "nano".

Source: Lyu et al., "RTMDet", 2022; mmdetection ``models/backbones/cspnext.py`` with ``deepen_factor`` 0.33,
``widen_factor`` 0.25 and depthwise convolutions. BatchNorm is folded into the convolutions, as in the published
ONNX file from which the weights are read; submodules stand in the order of that file's convolutions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.model.csp import SPP, Conv


class Separable(nn.Sequential):
    """Depthwise convolution, SiLU, pointwise convolution, SiLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(Conv(in_channels, in_channels, kernel, stride, in_channels), Conv(in_channels, out_channels))


class Block(nn.Module):
    """Separable 3x3, then separable 5x5, with or without a residual."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.near = Separable(channels, channels, 3)
        self.far = Separable(channels, channels, 5)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.far(self.near(x))
        return x + y if self.shortcut else y


class ChannelAttention(nn.Module):
    """Each channel times the hard sigmoid of a linear function of all channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = functional.hardsigmoid(self.fc(x.mean(dim=(2, 3), keepdim=True)))
        return x * gate


class CSPLayer(nn.Module):
    """Cross-stage partial layer: half the channels through blocks, half past them."""

    def __init__(
        self, in_channels: int, out_channels: int, depth: int = 1, *, shortcut: bool = False, attention: bool = False
    ) -> None:
        super().__init__()
        half = out_channels // 2
        self.short = Conv(in_channels, half)
        self.main = Conv(in_channels, half)
        self.blocks = nn.Sequential(*[Block(half, shortcut) for _ in range(depth)])
        self.attention = ChannelAttention(out_channels) if attention else nn.Identity()
        self.out = Conv(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([self.blocks(self.main(x)), self.short(x)], dim=1)
        result: Tensor = self.out(self.attention(joined))
        return result


class CSPNeXt(nn.Module):
    """(N, 3, H, W) normalised RGB -> maps at strides 4 (32), 8 (64), 16 (128), 32 (256 channels)."""

    channels = (32, 64, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Conv(3, 8, 3, 2), Conv(8, 8, 3), Conv(8, 16, 3))
        self.stages = nn.ModuleList(
            [
                nn.Sequential(Separable(16, 32, 3, 2), CSPLayer(32, 32, 1, shortcut=True, attention=True)),
                nn.Sequential(Separable(32, 64, 3, 2), CSPLayer(64, 64, 2, shortcut=True, attention=True)),
                nn.Sequential(Separable(64, 128, 3, 2), CSPLayer(128, 128, 2, shortcut=True, attention=True)),
                nn.Sequential(Separable(128, 256, 3, 2), SPP(256, 256), CSPLayer(256, 256, 1, attention=True)),
            ]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps
