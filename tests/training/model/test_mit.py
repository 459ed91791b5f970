from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from training.model.mit import MIT_B0, MIT_B1, MIT_B2, MIT_B3, MIT_B4, MIT_B5, Attention, DropPath, MiT, MiTConfig

SMALL = MiTConfig(widths=(8, 16, 20, 16), heads=(1, 2, 5, 8))


@pytest.mark.parametrize(
    ("config", "millions"),
    [(MIT_B0, 3.3), (MIT_B1, 13.2), (MIT_B2, 24.2), (MIT_B3, 44.1), (MIT_B4, 60.8), (MIT_B5, 81.4)],
    ids=["b0", "b1", "b2", "b3", "b4", "b5"],
)
def test_published_sizes(config: MiTConfig, millions: float) -> None:
    """Parameters of the encoder; the paper's table 1 has 3.4, 13.1, 24.2, 44.0, 60.8 and 81.4 million."""
    with torch.device("meta"):
        assert round(sum(p.numel() for p in MiT(config).parameters()) / 1e6, 1) == millions


@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 32), (96, 32)], ids=str)
def test_maps_at_strides_4_to_32(height: int, width: int) -> None:
    maps = MiT(SMALL).eval()(torch.randn(2, 3, height, width))
    assert [tuple(m.shape) for m in maps] == [
        (2, channels, height // stride, width // stride)
        for channels, stride in zip(SMALL.widths, (4, 8, 16, 32), strict=True)
    ]


def test_attention_equals_its_definition() -> None:
    """Two heads, keys and values from the map shrunk by two, softmax written out."""
    torch.manual_seed(0)
    layer = Attention(8, 2, 2).eval()
    x = torch.randn(1, 4 * 6, 8)
    assert layer.sr is not None
    shrunk = layer.norm(layer.sr(x.transpose(1, 2).reshape(1, 8, 4, 6)).flatten(2).transpose(1, 2))
    k, v = layer.kv(shrunk).split(8, dim=2)
    q = layer.q(x)
    heads: list[Tensor] = []
    for head in (slice(0, 4), slice(4, 8)):
        weights = (q[..., head] @ k[..., head].transpose(1, 2) / math.sqrt(4)).softmax(dim=2)
        heads.append(weights @ v[..., head])
    torch.testing.assert_close(layer(x, 4, 6), layer.proj(torch.cat(heads, dim=2)))


def test_drop_path_drops_whole_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer = DropPath(0.25)
    out = layer(torch.ones(4000, 2, 3))
    kept = out[:, 0, 0] > 0
    assert torch.equal(out, (kept / 0.75)[:, None, None].expand_as(out))
    assert abs(kept.float().mean() - 0.75) < 0.03
    assert torch.equal(layer.eval()(torch.ones(4, 2, 3)), torch.ones(4, 2, 3))


def test_drop_rates_rise_linearly() -> None:
    rates = [m.rate for m in MiT(SMALL).modules() if isinstance(m, DropPath)]
    assert rates == pytest.approx([0.1 * i / 7 for i in range(8)])
