"""MixFFN's Linear layers as pointwise convolutions of the map that lies between them.

MixFFN widens its tokens fourfold, makes them a map for its depthwise convolution, and narrows them again. As
convolutions, the Linear layers stay on the map: tokens are turned while they are narrow, ONNX Runtime keeps the wide
map in its convolutions' own layout from end to end, Gelu too, and the biases are added inside. Needs the form that
``layout`` leaves.
"""

from __future__ import annotations

from typing import Any

from onnxscript.rewriter import RewriteRule, RewriteRuleSet

from export.passes.rewriting import GraphPass, array, integers, shape, weight


def _widening(op: Any, tokens: Any, matrix: Any, bias: Any, sizes: Any) -> Any:
    wide = op.Add(op.MatMul(tokens, matrix), bias)
    return op.Transpose(op.Reshape(wide, sizes), perm=[0, 3, 1, 2])


def _becomes_map(_: Any, matrix: Any, bias: Any, sizes: Any, **__: Any) -> bool:
    return _is_linear(matrix, bias) and len(integers(sizes) or []) == 4


def _widening_of_map(op: Any, tokens: Any, matrix: Any, bias: Any, sizes: Any) -> Any:
    n, h, w, _ = integers(sizes) or []
    x = op.Transpose(op.Reshape(tokens, shape(op, [n, h, w, len(matrix.const_value.numpy())])), perm=[0, 3, 1, 2])
    return _pointwise(op, x, matrix, bias)


def _narrowing(op: Any, x: Any, sizes: Any, matrix: Any, bias: Any) -> Any:
    tokens = op.Reshape(op.Transpose(x, perm=[0, 2, 3, 1]), sizes)
    return op.Add(op.MatMul(op.Gelu(tokens), matrix), bias)


def _was_map(_: Any, sizes: Any, matrix: Any, bias: Any, **__: Any) -> bool:
    return _is_linear(matrix, bias) and len(integers(sizes) or []) == 3


def _narrowing_of_map(op: Any, x: Any, sizes: Any, matrix: Any, bias: Any) -> Any:
    n, tokens, _ = integers(sizes) or []
    narrow = _pointwise(op, op.Gelu(x), matrix, bias)
    return op.Reshape(
        op.Transpose(narrow, perm=[0, 2, 3, 1]), shape(op, [n, tokens, matrix.const_value.numpy().shape[1]])
    )


def _is_linear(matrix: Any, bias: Any) -> bool:
    kernel, offset = array(matrix), array(bias)
    return kernel is not None and kernel.ndim == 2 and offset is not None and offset.ndim == 1


def _pointwise(op: Any, x: Any, matrix: Any, bias: Any) -> Any:
    kernel = matrix.const_value.numpy()  # (C, O)
    return op.Conv(x, weight(op, kernel.T[:, :, None, None]), bias, kernel_shape=[1, 1])


POINTWISE = GraphPass(
    name="pointwise",
    summary="the Linear layers of MixFFN as pointwise convolutions",
    rules=RewriteRuleSet(
        [
            RewriteRule(_widening, _widening_of_map, _becomes_map),
            RewriteRule(_narrowing, _narrowing_of_map, _was_map),
        ]
    ),
)
