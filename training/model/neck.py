"""Necks: from maps at strides 4, 8, 16, 32 to one map at stride 4, through deformable convolutions.

Source: Yu et al., "Deep Layer Aggregation", CVPR 2018 (iterative deep aggregation), as FairMOT uses it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.model.dcn import ModulatedDeformConv


class DeformBlock(nn.Module):
    """DCN, BatchNorm, ReLU: (N, Cin, H, W) -> (N, Cout, H, W)."""

    def __init__(self, in_channels: int, out_channels: int, dcn: str) -> None:
        super().__init__()
        self.conv = ModulatedDeformConv(in_channels, out_channels, provider=dcn)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


class ConvBlock(nn.Module):
    """Convolution, BatchNorm, ReLU: (N, Cin, H, W) -> (N, Cout, H, W)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


def bilinear_upsample(channels: int, factor: int) -> nn.ConvTranspose2d:
    """A learned depthwise upsampling that starts as bilinear interpolation."""
    up = nn.ConvTranspose2d(channels, channels, 2 * factor, factor, factor // 2, groups=channels, bias=False)
    position = torch.arange(2 * factor)
    line = 1 - (position / factor - (2 * factor - 1) / (2 * factor)).abs()
    with torch.no_grad():
        up.weight.copy_((line[:, None] * line[None, :]).expand_as(up.weight))
    return up


class IDAUp(nn.Module):
    """Adds coarser maps one by one to the finest: ``x[i] = node(up(proj(x[i])) + x[i-1])``.

    ``dcn`` names the provider of the deformable convolutions; None takes plain ones (proj 1x1, node 3x3).
    """

    def __init__(self, width: int, channels: Sequence[int], factors: Sequence[int], dcn: str | None) -> None:
        super().__init__()

        def block(in_channels: int, kernel: int) -> nn.Module:
            return ConvBlock(in_channels, width, kernel) if dcn is None else DeformBlock(in_channels, width, dcn)

        self.proj = nn.ModuleList(block(c, 1) for c in channels[1:])
        self.up = nn.ModuleList(bilinear_upsample(width, f) for f in factors[1:])
        self.node = nn.ModuleList(block(width, 3) for _ in channels[1:])

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps from fine to coarse; the first has ``width`` channels already. Returns all running sums."""
        out = [maps[0]]
        for x, proj, up, node in zip(maps[1:], self.proj, self.up, self.node, strict=True):
            out.append(node(up(proj(x)) + out[-1]))
        return out


class DLANeck(nn.Module):
    """FairMOT's neck: DLAUp over four maps, then IDAUp over its three finest. 16 DCN layers.

    Maps at strides 4, 8, 16, 32 with ``channels`` -> (N, ``channels[0]``, H/4, W/4).
    """

    def __init__(self, channels: Sequence[int], dcn: str) -> None:
        super().__init__()
        self.width = channels[0]
        first = channels[:3]
        channels = list(channels)
        scales = [1, 2, 4, 8]
        self.ida = nn.ModuleList()
        for i in (2, 1, 0):  # ends on strides 16, 8, 4
            factors = [scale // scales[i] for scale in scales[i:]]
            self.ida.append(IDAUp(channels[i], channels[i:], factors, dcn))
            channels[i + 1 :] = [channels[i]] * (3 - i)
            scales[i + 1 :] = [scales[i]] * (3 - i)
        self.final = IDAUp(self.width, first, [1, 2, 4], dcn)

    def forward(self, maps: list[Tensor]) -> Tensor:
        maps = list(maps)
        finest_first = [maps[-1]]
        for i, ida in zip((2, 1, 0), self.ida, strict=True):
            maps[i:] = ida(maps[i:])
            finest_first.insert(0, maps[-1])
        result: Tensor = self.final(finest_first[:3])[-1]
        return result


class TopDownNeck(nn.Module):
    """A chain of two-map IDAUps from stride 32 to 4, deformable down to stride 8: four DCN layers.

    The light neck of the small models: at stride 4 a single DCN costs as much as their whole backbone.
    Maps at strides 4, 8, 16, 32 with ``channels`` -> (N, ``width``, H/4, W/4).
    """

    def __init__(self, channels: Sequence[int], dcn: str, width: int) -> None:
        super().__init__()
        self.width = width
        widths = [width, *channels[1:]]
        self.lateral = nn.Sequential(nn.Conv2d(channels[0], width, 1, bias=False), nn.BatchNorm2d(width))
        self.ida = nn.ModuleList(IDAUp(widths[i], widths[i : i + 2], [1, 2], dcn if i > 0 else None) for i in (2, 1, 0))

    def forward(self, maps: list[Tensor]) -> Tensor:
        fine = [self.lateral(maps[0]), *maps[1:3]]
        x = maps[3]
        for i, ida in zip((2, 1, 0), self.ida, strict=True):
            x = ida([fine[i], x])[-1]
        return x
