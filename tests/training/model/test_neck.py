from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.model.dcn import ModulatedDeformConv
from training.model.mit import MIT_B1
from training.model.neck import DLANeck, IDAUp, TopDownNeck, bilinear_upsample


def maps(channels: tuple[int, ...], height: int, width: int) -> list[torch.Tensor]:
    """Of a backbone, for an input of (height, width)."""
    return [
        torch.randn(1, c, height // stride, width // stride) for c, stride in zip(channels, (4, 8, 16, 32), strict=True)
    ]


def layers(neck: torch.nn.Module) -> list[tuple[int, int]]:
    return [(m.weight.shape[1], m.weight.shape[0]) for m in neck.modules() if isinstance(m, ModulatedDeformConv)]


def test_dla_neck_of_mit_b1_is_fairmots() -> None:
    """Channels in and out of the 16 DCNs, as FairMOT's DLAUp and IDAUp have them over 64, 128, 320, 512."""
    neck = DLANeck(MIT_B1.widths, "grid_sample")
    assert neck.width == 64
    first = [(512, 320), (320, 320)]
    second = [(320, 128), (320, 128), (128, 128), (128, 128)]
    third = [(128, 64)] * 3 + [(64, 64)] * 3
    final = [(128, 64), (320, 64), (64, 64), (64, 64)]
    assert layers(neck) == first + second + third + final
    assert len(layers(neck)) == 16
    factors = [[up.stride[0] for up in ida.up] for ida in (*neck.ida, neck.final)]  # type: ignore[union-attr]
    assert factors == [[2], [2, 2], [2, 2, 2], [2, 4]]


@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 32), (32, 160)], ids=str)
def test_dla_neck_ends_at_stride_4(height: int, width: int) -> None:
    neck = DLANeck((8, 12, 20, 28), "grid_sample").eval()
    given = maps((8, 12, 20, 28), height, width)
    assert neck(given).shape == (1, 8, height // 4, width // 4)
    assert [m.shape[1] for m in given] == [8, 12, 20, 28]  # the caller's list is left alone


def test_dla_neck_uses_every_map() -> None:
    neck = DLANeck((4, 6, 8, 10), "grid_sample").eval()
    given = [m.requires_grad_() for m in maps((4, 6, 8, 10), 32, 64)]
    neck(given).sum().backward()
    assert all(m.grad is not None and m.grad.abs().sum() > 0 for m in given)


def test_top_down_neck() -> None:
    neck = TopDownNeck((8, 12, 20, 28), "grid_sample", width=16).eval()
    assert neck.width == 16
    assert layers(neck) == [(28, 20), (20, 20), (20, 12), (12, 12)]
    given = [m.requires_grad_() for m in maps((8, 12, 20, 28), 64, 96)]
    out = neck(given)
    assert out.shape == (1, 16, 16, 24)
    out.sum().backward()
    assert all(m.grad is not None and m.grad.abs().sum() > 0 for m in given)


def test_ida_up_adds_from_coarse_to_fine() -> None:
    """``x[i] = node(up(proj(x[i])) + x[i-1])``, written out."""
    ida = IDAUp(4, [4, 6, 8], [1, 2, 4], "grid_sample").eval()
    a, b, c = torch.randn(1, 4, 8, 8), torch.randn(1, 6, 4, 4), torch.randn(1, 8, 2, 2)
    second = ida.node[0](ida.up[0](ida.proj[0](b)) + a)
    third = ida.node[1](ida.up[1](ida.proj[1](c)) + second)
    for found, expected in zip(ida([a, b, c]), (a, second, third), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("factor", [2, 4])
def test_upsampling_starts_as_bilinear(factor: int) -> None:
    x = torch.randn(1, 3, 6, 5)
    found = bilinear_upsample(3, factor)(x)
    expected = functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    assert found.shape == expected.shape
    edge = factor  # the transposed convolution pads with zeros, interpolate repeats the border
    inner = (slice(None), slice(None), slice(edge, -edge), slice(edge, -edge))
    torch.testing.assert_close(found[inner], expected[inner], rtol=1e-5, atol=1e-5)
