"""Tokens to map and back as one four-dimensional transposition each.

MiT walks between tokens (N, H*W, C) and maps (N, C, H, W) in every block: PyTorch's transpose and view become a
three-dimensional Transpose beside a Reshape. ONNX Runtime computes its convolutions in blocks of channels; next to
them it understands the transpositions NHWC to NCHW and back, and reorders straight from one layout into the other.
A Reshape that keeps its elements' order costs nothing.
"""

from __future__ import annotations

from typing import Any

from onnxscript.rewriter import RewriteRule, RewriteRuleSet

from export.passes.rewriting import GraphPass, integers, shape


def _tokens_to_map(op: Any, tokens: Any, sizes: Any) -> Any:
    return op.Reshape(op.Transpose(tokens, perm=[0, 2, 1]), sizes)


def _is_map(_: Any, sizes: Any, **__: Any) -> bool:
    return len(integers(sizes) or []) == 4


def _to_map(op: Any, tokens: Any, sizes: Any) -> Any:
    n, c, h, w = integers(sizes) or []
    return op.Transpose(op.Reshape(tokens, shape(op, [n, h, w, c])), perm=[0, 3, 1, 2])


def _map_to_tokens(op: Any, x: Any, sizes: Any) -> Any:
    return op.Transpose(op.Reshape(x, sizes), perm=[0, 2, 1])


def _is_flattened_map(_: Any, x: Any, sizes: Any, **__: Any) -> bool:
    wanted = integers(sizes) or []
    return len(wanted) == 3 and x.shape is not None and len(x.shape) == 4 and x.shape[1] == wanted[1]


def _to_tokens(op: Any, x: Any, sizes: Any) -> Any:
    n, c, hw = integers(sizes) or []
    return op.Reshape(op.Transpose(x, perm=[0, 2, 3, 1]), shape(op, [n, hw, c]))


LAYOUT = GraphPass(
    name="layout",
    summary="tokens to map and back without three-dimensional transpositions",
    rules=RewriteRuleSet(
        [RewriteRule(_tokens_to_map, _to_map, _is_map), RewriteRule(_map_to_tokens, _to_tokens, _is_flattened_map)]
    ),
)
