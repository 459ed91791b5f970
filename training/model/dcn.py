"""Modulated deformable convolution (DCNv2), one layer over several kernels.

Semantics are those of ONNX ``DeformConv`` and of CharlesShang/DCNv2: offsets (dy, dx) per kernel
point, a sigmoid mask per kernel point, bilinear sampling, zero outside the image.
Source: Zhu et al., "Deformable ConvNets v2", CVPR 2019, equation 1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import deform_conv2d

from mot.errors import MotError

PROVIDERS = ("auto", "torchvision", "grid_sample", "mmcv")


def grid_sample_deform_conv2d(
    x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int] = (1, 1)
) -> Tensor:
    """Deformable convolution out of one ``grid_sample`` and one matrix product; stride and dilation 1.

    On a CPU this trains several times faster than torchvision's kernel, whose backward is serial.

    Args:
        x: (N, C, H, W).
        offset: (N, 2*kh*kw, Ho, Wo), pairs (dy, dx) in pixels by kernel point, row-major.
        mask: (N, kh*kw, Ho, Wo), already through the sigmoid.
        weight: (O, C, kh, kw).
        bias: (O,) or None.
        padding: (vertical, horizontal) zeros around x.

    Returns:
        (N, O, Ho, Wo).
    """
    n, c, h, w = x.shape
    out_channels, _, kh, kw = weight.shape
    ho, wo = offset.shape[2:]
    points = kh * kw  # P
    rows = torch.arange(ho, device=x.device, dtype=x.dtype) - padding[0]
    columns = torch.arange(wo, device=x.device, dtype=x.dtype) - padding[1]
    kernel_y = torch.arange(kh, device=x.device, dtype=x.dtype).repeat_interleave(kw)
    kernel_x = torch.arange(kw, device=x.device, dtype=x.dtype).repeat(kh)
    offset = offset.reshape(n, points, 2, ho, wo)
    at_y = offset[:, :, 0] + kernel_y[:, None, None] + rows[:, None]  # (N, P, Ho, Wo) pixels
    at_x = offset[:, :, 1] + kernel_x[:, None, None] + columns
    # grid_sample wants -1..1; with align_corners=False pixel i has its centre at (2i + 1)/size - 1,
    # which stays finite for maps of one pixel.
    grid = torch.stack([(2 * at_x + 1) / w - 1, (2 * at_y + 1) / h - 1], dim=-1)  # (N, P, Ho, Wo, 2)
    sampled = functional.grid_sample(
        x, grid.view(n, points * ho, wo, 2), mode="bilinear", padding_mode="zeros", align_corners=False
    )  # (N, C, P*Ho, Wo)
    sampled = sampled.view(n, c, points, ho, wo) * mask.reshape(n, 1, points, ho, wo)
    out = weight.flatten(1) @ sampled.view(n, c * points, ho * wo)  # (N, O, Ho*Wo)
    if bias is not None:
        out = out + bias[:, None]
    return out.view(n, out_channels, ho, wo)


def modulated_deform_conv2d(
    x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None, provider: str = "auto"
) -> Tensor:
    """Deformable convolution with an odd kernel, stride 1, same size out.

    Arguments as in :func:`grid_sample_deform_conv2d`; ``provider`` is one of :data:`PROVIDERS`.

    Raises:
        MotError: mmcv is asked for and its ops cannot be imported.
    """
    padding = (weight.shape[2] // 2, weight.shape[3] // 2)
    if provider == "auto":
        # torchvision's op is also the one that the ONNX exporter translates to DeformConv.
        fast_on_cpu = x.device.type == "cpu" and not torch.compiler.is_exporting()
        provider = "grid_sample" if fast_on_cpu else "torchvision"
    if provider == "grid_sample":
        return grid_sample_deform_conv2d(x, offset, mask, weight, bias, padding)
    if provider == "torchvision":
        result: Tensor = deform_conv2d(x, offset, weight, bias, padding=padding, mask=mask)
        return result
    try:
        from mmcv.ops import modulated_deform_conv2d as mmcv_deform_conv2d
    except ImportError as error:
        raise MotError(
            f"DCN provider 'mmcv' needs mmcv-full with its compiled ops ({error}); "
            'dcn = "auto" computes the same with what is installed'
        ) from error
    result = mmcv_deform_conv2d(x, offset, mask, weight, bias, 1, padding, 1, 1, 1)
    return result


class ModulatedDeformConv(nn.Module):
    """A 3x3 DCNv2 whose inner convolution predicts offsets and masks; starts as a plain convolution halved.

    Halved, because the inner convolution starts at zero and so every mask at sigmoid(0); BatchNorm follows.

    Parameters are named as in mmcv's ``ModulatedDeformConv2dPack``: ``weight``, ``bias``, ``conv_offset``
    (27 channels: 18 offsets, read as (dy, dx) pairs by kernel point, then 9 masks). Weights of the original
    CharlesShang/DCNv2 load too: its ``conv_offset_mask`` is the same convolution under another name.

    Raises:
        MotError: the provider's name is unknown.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True, provider: str = "auto") -> None:
        super().__init__()
        if provider not in PROVIDERS:
            raise MotError(f"DCN provider {provider!r} is not one of {', '.join(PROVIDERS)}")
        self.provider = provider
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.conv_offset = nn.Conv2d(in_channels, 27, 3, padding=1)
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")
        nn.init.zeros_(self.conv_offset.weight)
        assert self.conv_offset.bias is not None
        nn.init.zeros_(self.conv_offset.bias)
        self.register_load_state_dict_pre_hook(_rename_from_dcnv2)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        """(N, Cin, H, W) -> (N, Cout, H, W)."""
        offset, mask = self.conv_offset(x).split([18, 9], dim=1)
        # In the weights' type. Under autocast that is fp32, because bf16 would round a coordinate of 100 pixels
        # by up to a quarter of a pixel. A network cast as a whole (.half(), .double()) stays in its type.
        dtype = self.weight.dtype
        with torch.autocast(x.device.type, enabled=False):
            return modulated_deform_conv2d(
                x.to(dtype), offset.to(dtype), mask.to(dtype).sigmoid(), self.weight, self.bias, self.provider
            )


def _rename_from_dcnv2(_module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Give the original DCNv2's inner convolution our name in a state that is about to be loaded."""
    for part in ("weight", "bias"):
        theirs = f"{prefix}conv_offset_mask.{part}"
        if theirs in state:
            state[f"{prefix}conv_offset.{part}"] = state.pop(theirs)
