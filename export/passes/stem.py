"""YOLOX's first layer as one convolution of the image.

It cuts the image into four by rows and columns, stacks them as channels and convolves 3x3: the same as a 6x6
convolution of stride 2 whose kernel interleaves the four. The padding stays: one cell of the four is two pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnxscript.rewriter import RewriteRule, RewriteRuleSet

from export.passes.rewriting import GraphPass, array, integers, weight

PARTS = ((0, 0), (1, 0), (0, 1), (1, 1))  # first row, first column of each stacked part


def _stacked(
    op: Any, x: Any, kernel: Any, bias: Any, zero: Any, one: Any, two: Any, end: Any, rows: Any, columns: Any
) -> Any:
    even, odd = (op.Slice(x, start, end, rows, two) for start in (zero, one))
    parts = [op.Slice({0: even, 1: odd}[row], {0: zero, 1: one}[column], end, columns, two) for row, column in PARTS]
    return op.Conv(op.Concat(*parts, axis=1), kernel, bias, _outputs=["convolved"])


def _is_space_to_depth(
    _: Any, kernel: Any, zero: Any, one: Any, two: Any, rows: Any, columns: Any, convolved: Any, **__: Any
) -> bool:
    attributes = convolved.producer().attributes
    values = array(kernel)
    return (
        values is not None
        and values.shape[1] % 4 == 0
        and values.shape[2:] == (3, 3)
        and list(attributes.get_ints("pads", [0] * 4)) == [1] * 4
        and list(attributes.get_ints("strides", [1, 1])) == [1, 1]
        and list(attributes.get_ints("dilations", [1, 1])) == [1, 1]
        and attributes.get_int("group", 1) == 1
        and [integers(value) for value in (zero, one, two, rows, columns)] == [[0], [1], [2], [2], [3]]
    )


def _convolution(op: Any, x: Any, kernel: Any, bias: Any, **_: Any) -> Any:
    values = kernel.const_value.numpy()  # (O, 4*C, 3, 3)
    outputs, channels = values.shape[0], values.shape[1] // 4
    whole = np.zeros((outputs, channels, 6, 6), values.dtype)
    for part, (row, column) in enumerate(PARTS):
        whole[:, :, row::2, column::2] = values[:, part * channels : (part + 1) * channels]
    return op.Conv(x, weight(op, whole), bias, kernel_shape=[6, 6], strides=[2, 2], pads=[2] * 4)


STEM = GraphPass(
    name="stem",
    summary="YOLOX's cut and stacked image as one convolution of stride 2",
    rules=RewriteRuleSet([RewriteRule(_stacked, _convolution, _is_space_to_depth)]),
)
