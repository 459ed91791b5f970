"""SegFormer's encoder written out over a state dict of the original's names: slow and plain."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from tests.training.weights.published import REDUCTIONS, State

HEADS = (1, 2, 5, 8)


def encoder(state: State, image: Tensor, depths: tuple[int, ...] = (2, 2, 2, 2)) -> list[Tensor]:
    """(N, 3, H, W) -> the four maps. ``mix_transformer.py`` with dropout and stochastic depth left out."""

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x: Tensor, name: str, eps: float) -> Tensor:
        centred = x - x.mean(dim=-1, keepdim=True)
        scaled = centred / (centred.square().mean(dim=-1, keepdim=True) + eps).sqrt()
        return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]

    def conv(x: Tensor, name: str, stride: int, padding: int, groups: int = 1) -> Tensor:
        return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, padding, groups=groups)

    def attention(x: Tensor, name: str, size: tuple[int, int], heads: int, reduction: int) -> Tensor:
        n, _, width = x.shape
        shrunk = x
        if reduction > 1:
            shrunk = conv(x.transpose(1, 2).reshape(n, width, *size), f"{name}.sr", reduction, 0)
            shrunk = norm(shrunk.flatten(2).transpose(1, 2), f"{name}.norm", 1e-5)
        q, kv = linear(x, f"{name}.q"), linear(shrunk, f"{name}.kv")
        k, v = kv[..., :width], kv[..., width:]
        results = []
        for own in torch.arange(width).chunk(heads):
            scores = q[..., own] @ k[..., own].transpose(1, 2) / math.sqrt(width / heads)
            results.append(scores.softmax(dim=-1) @ v[..., own])
        return linear(torch.cat(results, dim=-1), f"{name}.proj")

    maps, x = [], image
    for i, (depth, heads, reduction) in enumerate(zip(depths, HEADS, REDUCTIONS, strict=True), 1):
        x = conv(x, f"patch_embed{i}.proj", 4 if i == 1 else 2, 3 if i == 1 else 1)
        n, width, *size = x.shape
        tokens = norm(x.flatten(2).transpose(1, 2), f"patch_embed{i}.norm", 1e-5)
        for block in (f"block{i}.{j}" for j in range(depth)):
            normed = norm(tokens, f"{block}.norm1", 1e-6)
            tokens = tokens + attention(normed, f"{block}.attn", (size[0], size[1]), heads, reduction)
            hidden = linear(norm(tokens, f"{block}.norm2", 1e-6), f"{block}.mlp.fc1")
            hidden = hidden.transpose(1, 2).reshape(n, 4 * width, *size)
            hidden = conv(hidden, f"{block}.mlp.dwconv.dwconv", 1, 1, groups=4 * width).flatten(2).transpose(1, 2)
            gelu = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
            tokens = tokens + linear(gelu, f"{block}.mlp.fc2")
        x = norm(tokens, f"norm{i}", 1e-6).transpose(1, 2).reshape(n, width, *size)
        maps.append(x)
    return maps
