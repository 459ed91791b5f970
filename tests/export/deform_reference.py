"""Deformable convolution as it is defined, one output after another.

Source: Zhu et al., "Deformable ConvNets v2", CVPR 2019, equation 1; shapes and attributes as in ONNX DeformConv.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def bilinear(plane: Array, y: float, x: float) -> float:
    """The value of an (H, W) plane between its pixels; zero outside, and at a place that is no number."""
    height, width = plane.shape
    if not (-1 < y < height and -1 < x < width):
        return 0.0
    top, left = int(np.floor(y)), int(np.floor(x))
    total = 0.0
    for row, column in itertools.product((top, top + 1), (left, left + 1)):
        if 0 <= row < height and 0 <= column < width:
            total += (1 - abs(y - row)) * (1 - abs(x - column)) * plane[row, column]
    return total


def deform_conv(
    x: npt.NDArray[np.float32],
    weight: npt.NDArray[np.float32],
    offset: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32] | None,
    mask: npt.NDArray[np.float32] | None,
    attributes: Mapping[str, int | Sequence[int]],
) -> Array:
    """(N, C, H, W) -> (N, M, oH, oW), in double precision."""
    strides, dilations = attributes.get("strides", (1, 1)), attributes.get("dilations", (1, 1))
    top, left = attributes.get("pads", (0, 0, 0, 0))[:2]  # type: ignore[index]
    group, offset_group = attributes.get("group", 1), attributes.get("offset_group", 1)
    batch, channels = x.shape[:2]
    outputs, group_channels, kernel_y, kernel_x = weight.shape
    out_y, out_x = offset.shape[2:]
    offset = offset.reshape(batch, offset_group, kernel_y, kernel_x, 2, out_y, out_x).astype(np.float64)
    masks = np.ones((batch, offset_group, kernel_y, kernel_x, out_y, out_x))
    if mask is not None:
        masks = mask.reshape(masks.shape).astype(np.float64)
    y = np.zeros((batch, outputs, out_y, out_x))
    everywhere = itertools.product(range(batch), range(channels), range(kernel_y), range(kernel_x))
    for (n, c, i, j), row, column in itertools.product(everywhere, range(out_y), range(out_x)):
        g = c // (channels // offset_group)
        at = offset[n, g, i, j, :, row, column]
        at_y = row * strides[0] - top + i * dilations[0] + at[0]  # type: ignore[index]
        at_x = column * strides[1] - left + j * dilations[1] + at[1]  # type: ignore[index]
        value = masks[n, g, i, j, row, column] * bilinear(x[n, c].astype(np.float64), at_y, at_x)
        first = c // group_channels * (outputs // group)  # of the outputs that this channel adds to
        mine = slice(first, first + outputs // group)
        y[n, mine, row, column] += weight[mine, c % group_channels, i, j] * value
    return y if bias is None else y + bias[:, None, None]
