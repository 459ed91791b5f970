"""YOLOX-nano's CSPDarknet and PAFPN as a backbone: small, and trained on COCO it already knows people.

Source: Ge et al., "YOLOX", 2021; widths of YOLOX-nano (0.25, depthwise). BatchNorm is folded into the
convolutions, as in the published ONNX file from which the weights are read.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from mot.errors import MotError
from training.weights.convolutions import convolutions


class Conv(nn.Sequential):
    """Convolution with bias, SiLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups), nn.SiLU(inplace=True)
        )


class SeparableConv(nn.Sequential):
    """Depthwise 3x3, then pointwise."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(Conv(in_channels, in_channels, 3, stride, in_channels), Conv(in_channels, out_channels))


class Bottleneck(nn.Module):
    """Pointwise, then separable 3x3, with or without a residual."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.reduce = Conv(channels, channels)
        self.conv = SeparableConv(channels, channels)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.reduce(x))
        result: Tensor = x + y if self.shortcut else y
        return result


class CSP(nn.Module):
    """Cross-stage partial layer: half the channels through bottlenecks, half past them."""

    def __init__(self, in_channels: int, out_channels: int, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = out_channels // 2
        self.main = Conv(in_channels, half)
        self.side = Conv(in_channels, half)
        self.blocks = nn.Sequential(*[Bottleneck(half, shortcut) for _ in range(depth)])
        self.out = Conv(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.out(torch.cat([self.blocks(self.main(x)), self.side(x)], dim=1))
        return result


class SPP(nn.Module):
    """Spatial pyramid pooling, windows 5, 9, 13."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = Conv(in_channels, in_channels // 2)
        self.out = Conv(in_channels * 2, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reduce(x)
        result: Tensor = self.out(torch.cat([x, *(functional.max_pool2d(x, k, 1, k // 2) for k in (5, 9, 13))], dim=1))
        return result


class CSPDarknetPAFPN(nn.Module):
    """(N, 3, H, W) RGB 0..255 -> maps at strides 4 (32), 8 (64), 16 (128), 32 (256 channels)."""

    channels = (32, 64, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        # Submodules stand in the order of the published file's convolutions.
        self.stem = Conv(12, 16, 3)
        self.dark2 = nn.Sequential(SeparableConv(16, 32, 2), CSP(32, 32, 1))
        self.dark3 = nn.Sequential(SeparableConv(32, 64, 2), CSP(64, 64, 3))
        self.dark4 = nn.Sequential(SeparableConv(64, 128, 2), CSP(128, 128, 3))
        self.dark5 = nn.Sequential(SeparableConv(128, 256, 2), SPP(256, 256), CSP(256, 256, 1, shortcut=False))
        self.reduce5 = Conv(256, 128)
        self.up4 = CSP(256, 128, 1, shortcut=False)
        self.reduce4 = Conv(128, 64)
        self.up3 = CSP(128, 64, 1, shortcut=False)
        self.down3 = SeparableConv(64, 64, 2)
        self.out4 = CSP(128, 128, 1, shortcut=False)
        self.down4 = SeparableConv(128, 128, 2)
        self.out5 = CSP(256, 256, 1, shortcut=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        # Space to depth, in YOLOX's order: top left, bottom left, top right, bottom right.
        x = torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], dim=1)
        c2 = self.dark2(self.stem(x))
        c3 = self.dark3(c2)
        c4 = self.dark4(c3)
        p5 = self.reduce5(self.dark5(c4))
        p4 = self.reduce4(self.up4(torch.cat([_double(p5), c4], dim=1)))
        p3 = self.up3(torch.cat([_double(p4), c3], dim=1))
        n4 = self.out4(torch.cat([self.down3(p3), p4], dim=1))
        n5 = self.out5(torch.cat([self.down4(n4), p5], dim=1))
        return [c2, p3, n4, n5]

    def load_yolox_onnx(self, path: Path) -> None:
        """Take the weights of a published ``yolox_nano.onnx`` (Apache-2.0, Megvii), convolution by convolution.

        Raises:
            MotError: the file is missing or is no YOLOX-nano.
        """
        own = [module for module in self.modules() if isinstance(module, nn.Conv2d)]
        published = convolutions(path, "YOLOX-nano's published ONNX file")
        if len(published) < len(own):
            raise MotError(f"{path}: {len(published)} convolutions, YOLOX-nano's backbone has {len(own)}")
        for i, (conv, (weight, bias)) in enumerate(zip(own, published, strict=False)):
            assert conv.bias is not None
            if weight.shape != conv.weight.shape or bias.shape != conv.bias.shape:
                raise MotError(f"{path}: convolution {i} is {tuple(weight.shape)}, expected {tuple(conv.weight.shape)}")
            if i == 0:  # YOLOX reads BGR, this project RGB
                weight = weight.view(16, 4, 3, 3, 3).flip(2).reshape(16, 12, 3, 3)
            with torch.no_grad():
                conv.weight.copy_(weight)
                conv.bias.copy_(bias)


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
