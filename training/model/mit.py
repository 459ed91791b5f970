"""MiT, the Mix Transformer encoder.

Source: Xie et al., "SegFormer", NeurIPS 2021, section 3.1 and table 6 (sizes); NVlabs/SegFormer's
``mix_transformer.py`` for what the paper leaves open (LayerNorm's two epsilons).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class MiTConfig:
    """Sizes of the four stages, at strides 4, 8, 16, 32; SegFormer's B1 by default."""

    widths: tuple[int, int, int, int] = (64, 128, 320, 512)
    depths: tuple[int, int, int, int] = (2, 2, 2, 2)
    heads: tuple[int, int, int, int] = (1, 2, 5, 8)
    reductions: tuple[int, int, int, int] = (8, 4, 2, 1)  # of keys and values, per side
    mlp_ratio: int = 4
    drop_path: float = 0.1  # of the last block; rises linearly from 0 at the first


MIT_B0 = MiTConfig(widths=(32, 64, 160, 256))
MIT_B1 = MiTConfig()
MIT_B2 = MiTConfig(depths=(3, 4, 6, 3))
MIT_B3 = MiTConfig(depths=(3, 4, 18, 3))
MIT_B4 = MiTConfig(depths=(3, 8, 27, 3))
MIT_B5 = MiTConfig(depths=(3, 6, 40, 3))


class DropPath(nn.Module):
    """Drops a residual branch for whole samples (Huang et al., "Stochastic Depth", ECCV 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device) >= self.rate
        return x * keep / (1 - self.rate)


class PatchEmbed(nn.Module):
    """Overlapping patches: strided convolution and LayerNorm, (N, C, H, W) -> (N, tokens, width)."""

    def __init__(self, in_channels: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, width, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> tuple[Tensor, int, int]:
        x = self.proj(x)
        height, width = x.shape[2:]
        return self.norm(x.flatten(2).transpose(1, 2)), height, width


class Attention(nn.Module):
    """Self-attention whose keys and values come from a map shrunk ``reduction`` times per side."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.sr: nn.Conv2d | None = None
        if reduction > 1:
            self.sr = nn.Conv2d(width, width, reduction, reduction)
            self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        n, tokens, c = x.shape
        source = x
        if self.sr is not None:
            shrunk = self.sr(x.transpose(1, 2).reshape(n, c, height, width))
            source = self.norm(shrunk.flatten(2).transpose(1, 2))
        q = self.q(x).view(n, tokens, self.heads, -1).transpose(1, 2)  # (N, heads, tokens, C/heads)
        k, v = self.kv(source).view(n, source.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)  # as q, fewer tokens
        out = functional.scaled_dot_product_attention(q, k, v)
        result: Tensor = self.proj(out.transpose(1, 2).reshape(n, tokens, c))
        return result


class MixFFN(nn.Module):
    """Feed-forward with a depthwise 3x3, which gives position without an encoding."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = self.fc1(x).transpose(1, 2).reshape(x.shape[0], -1, height, width)  # (N, hidden, H, W)
        x = self.dwconv(x).flatten(2).transpose(1, 2)  # (N, tokens, hidden)
        result: Tensor = self.fc2(functional.gelu(x))
        return result


class Block(nn.Module):
    """Attention and feed-forward, each behind a LayerNorm and around a residual: (N, tokens, width) both ways."""

    def __init__(self, width: int, heads: int, reduction: int, mlp_ratio: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, reduction)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = MixFFN(width, width * mlp_ratio)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), height, width))
        result: Tensor = x + self.drop_path(self.mlp(self.norm2(x), height, width))
        return result


class Stage(nn.Module):
    """One resolution: patch embedding, blocks, LayerNorm, back to a map."""

    def __init__(self, embed: PatchEmbed, blocks: list[Block], width: int) -> None:
        super().__init__()
        self.embed = embed
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        tokens, height, width = self.embed(x)
        for block in self.blocks:
            tokens = block(tokens, height, width)
        result: Tensor = self.norm(tokens).transpose(1, 2).reshape(x.shape[0], -1, height, width)
        return result


class MiT(nn.Module):
    """(N, 3, H, W) normalised RGB -> four maps at strides 4, 8, 16, 32; H and W multiples of 32."""

    def __init__(self, config: MiTConfig) -> None:
        super().__init__()
        self.channels = config.widths
        rates = torch.linspace(0, config.drop_path, sum(config.depths), device="cpu").tolist()
        stages = []
        in_channels = 3
        for i, width in enumerate(config.widths):
            embed = PatchEmbed(in_channels, width, *((7, 4) if i == 0 else (3, 2)))
            blocks = [
                Block(width, config.heads[i], config.reductions[i], config.mlp_ratio, rates.pop(0))
                for _ in range(config.depths[i])
            ]
            stages.append(Stage(embed, blocks, width))
            in_channels = width
        self.stages = nn.ModuleList(stages)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def _initialise(module: nn.Module) -> None:
    """SegFormer's initialisation: truncated normal for Linear, He by fan-out for convolutions."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
