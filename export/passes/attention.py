"""Attention as ONNX Runtime's one fused operator.

The exporter spells ``scaled_dot_product_attention`` out: it writes the whole matrix of weights (107 MB for the first
stage of ``mit_b1`` at 1088x608) and reads it twice. MultiHeadAttention goes through it in blocks that stay in the
cache (Dao et al., "FlashAttention", 2022), and takes queries, keys and values as the Linear layers leave them.
"""

from __future__ import annotations

from typing import Any

from onnxscript.rewriter import RewriteRule, RewriteRuleSet, pattern

from export.passes.rewriting import CONTRIB, GraphPass, array, integers, shape


def _spelled_out(
    op: Any, query: Any, key_value: Any, query_sizes: Any, sizes: Any, query_scale: Any, key_scale: Any, out_sizes: Any
) -> Any:
    either = pattern.ANY_VALUE
    q = op.Transpose(op.Reshape(query, query_sizes), perm=[0, 2, 1, 3])  # (N, heads, tokens, C/heads)
    both = op.Transpose(op.Reshape(key_value, sizes), perm=[2, 0, 3, 1, 4])  # (2, N, heads, keys, C/heads)
    k = op.Squeeze(op.Slice(both, either, either, either), either)
    v = op.Squeeze(op.Slice(both, either, either, either), either)
    k = op.Reshape(op.Transpose(op.Reshape(k, either), perm=[0, 2, 1]), either)  # (N, heads, C/heads, keys)
    weights = op.Softmax(op.MatMul(op.Mul(q, query_scale), op.Mul(k, key_scale)), axis=-1)
    return op.Reshape(op.Transpose(op.MatMul(weights, v), perm=[0, 2, 1, 3]), out_sizes)  # (N, tokens, C)


def _is_known(_: Any, sizes: Any, query_scale: Any, key_scale: Any, **__: Any) -> bool:
    split = integers(sizes) or []
    return len(split) == 5 and split[2] == 2 and array(query_scale) is not None and array(key_scale) is not None


def _fused(op: Any, query: Any, key_value: Any, sizes: Any, query_scale: Any, key_scale: Any, **_: Any) -> Any:
    heads, width = (integers(sizes) or [])[3:]
    scale = (query_scale.const_value.numpy() * key_scale.const_value.numpy()).item()
    key, value = op.Split(key_value, shape(op, [heads * width] * 2), axis=-1, _outputs=2)
    return op.MultiHeadAttention(query, key, value, num_heads=heads, scale=scale, _domain=CONTRIB, _version=1)


ATTENTION = GraphPass(
    name="attention",
    summary="attention as ONNX Runtime's MultiHeadAttention",
    # Shapes computed from keys hang on the spelled-out form; what is left without a reader is removed afterwards.
    rules=RewriteRuleSet([RewriteRule(_spelled_out, _fused, _is_known, remove_nodes=False)]),
    portable=False,
)
