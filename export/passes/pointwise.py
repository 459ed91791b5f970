"""A Linear layer whose tokens become a map at once, as a pointwise convolution of the map.

MixFFN widens tokens fourfold, then makes them a map for its depthwise convolution. Made a map before, they are four
times smaller to turn, and the bias is added within the convolution. Needs the form that ``layout`` leaves.
"""

from __future__ import annotations

from typing import Any

from onnxscript.rewriter import RewriteRule, RewriteRuleSet

from export.passes.rewriting import GraphPass, array, integers, shape, weight


def _linear(op: Any, tokens: Any, matrix: Any, bias: Any, sizes: Any) -> Any:
    wide = op.Add(op.MatMul(tokens, matrix), bias)
    return op.Transpose(op.Reshape(wide, sizes), perm=[0, 3, 1, 2])


def _is_constant(_: Any, matrix: Any, bias: Any, sizes: Any, **__: Any) -> bool:
    kernel, offset = array(matrix), array(bias)
    return kernel is not None and kernel.ndim == 2 and offset is not None and len(integers(sizes) or []) == 4


def _convolution(op: Any, tokens: Any, matrix: Any, bias: Any, sizes: Any) -> Any:
    n, h, w, _ = integers(sizes) or []
    kernel = matrix.const_value.numpy()  # (C, O)
    x = op.Transpose(op.Reshape(tokens, shape(op, [n, h, w, len(kernel)])), perm=[0, 3, 1, 2])
    return op.Conv(x, weight(op, kernel.T[:, :, None, None]), bias, kernel_shape=[1, 1])


POINTWISE = GraphPass(
    name="pointwise",
    summary="the first Linear of MixFFN as a pointwise convolution",
    rules=RewriteRuleSet([RewriteRule(_linear, _convolution, _is_constant)]),
)
