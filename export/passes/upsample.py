"""Learned upsampling as zeros between the pixels and a depthwise convolution.

A transposed convolution of stride s is a plain one over the map with s - 1 zeros after each pixel, its kernel
mirrored (Dumoulin and Visin, "A guide to convolution arithmetic", 2016, section 4.2). ONNX Runtime computes depthwise
convolutions in its fast layout and transposed ones by a matrix product per channel. At stride 4 most of the work would
be zeros and the gain is gone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnxscript.rewriter import RewriteRule, RewriteRuleSet

from export.passes.rewriting import GraphPass, array, weight


def _transposed(op: Any, x: Any, kernel: Any) -> Any:
    return op.ConvTranspose(x, kernel, _outputs=["grown"])


def _doubles_each_channel(_: Any, x: Any, kernel: Any, grown: Any) -> bool:
    attributes = grown.producer().attributes
    values = array(kernel)
    return (
        values is not None
        and values.shape[1:] == (1, 4, 4)
        and attributes.get_int("group", 1) == len(values)
        and list(attributes.get_ints("strides", [1, 1])) == [2, 2]
        and list(attributes.get_ints("pads", [0] * 4)) == [1] * 4
        and not any(attributes.get_ints("output_padding", [0, 0]))
        and list(attributes.get_ints("dilations", [1, 1])) == [1, 1]
        and grown.shape is not None
        and all(isinstance(size, int) for size in grown.shape[2:])
    )


def _with_zeros(op: Any, x: Any, kernel: Any, grown: Any) -> Any:
    values = kernel.const_value.numpy()
    height, width = grown.shape[2:]
    pixels = np.zeros((1, 1, height, width), values.dtype)
    pixels[:, :, ::2, ::2] = 1
    factors = weight(op, np.array([1, 1, 2, 2], np.float32))
    doubled = op.Resize(
        x, None, factors, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
    return op.Conv(
        op.Mul(doubled, weight(op, pixels)),
        weight(op, values[:, :, ::-1, ::-1]),
        kernel_shape=[4, 4],
        pads=[2, 2, 1, 1],
        group=len(values),
    )


UPSAMPLE = GraphPass(
    name="upsample",
    summary="learned upsampling as zeros between pixels and a depthwise convolution",
    rules=RewriteRuleSet([RewriteRule(_transposed, _with_zeros, _doubles_each_channel)]),
)
