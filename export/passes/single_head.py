"""Attention with one head without its query and output projections, which go into the keys and values.

MiT's first stage has one head and sixty times as many queries as keys. For a token x, softmax weights a and one head
    q . k = (x Wq + bq) . k = x . (Wq k) + bq . k        and        (sum a v) Wo + bo = sum a (v Wo + bo),
because the weights sum to one. So keys and values take both projections with them; they come from a Linear layer,
whose weights take them in turn. The number bq . k differs from key to key and needs a place: tokens come from a
LayerNorm, x = gamma u + beta with channels of u that sum to zero. With u + 1 as query, a key of mean zero ignores the
one, and a constant key ignores u. Both exactly, so the LayerNorm gets gamma = beta = 1, and what it did before goes
into the keys and into the convolution that shrinks the map for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnxscript.rewriter import RewriteRule, RewriteRuleSet

from export.passes.rewriting import CONTRIB, GraphPass, array, weight

Array = npt.NDArray[Any]


def _projected(
    op: Any, x: Any, gamma: Any, beta: Any, sizes: Any, shrink: Any, key_sizes: Any, key_gamma: Any, key_beta: Any,
    w_kv: Any, b_kv: Any, split: Any, w_q: Any, b_q: Any, w_out: Any, b_out: Any,
) -> Any:  # fmt: skip
    tokens = op.LayerNormalization(x, gamma, beta, axis=-1, _outputs=["tokens"])
    whole = op.Transpose(op.Reshape(tokens, sizes), perm=[0, 3, 1, 2])
    small = op.Conv(whole, shrink, _allow_other_inputs=True, _outputs=["small"])
    source = op.Reshape(op.Transpose(small, perm=[0, 2, 3, 1]), key_sizes)
    source = op.LayerNormalization(source, key_gamma, key_beta, axis=-1, _outputs=["source"])
    key, value = op.Split(op.Add(op.MatMul(source, w_kv), b_kv), split, axis=-1, _outputs=2)
    query = op.Add(op.MatMul(tokens, w_q), b_q)
    out = op.MultiHeadAttention(query, key, value, _domain=CONTRIB, _outputs=["attended"])
    return op.Add(op.MatMul(out, w_out), b_out)


def _has_one_head(_: Any, attended: Any, small: Any, **values: Any) -> bool:
    constants = ("gamma", "beta", "shrink", "w_kv", "b_kv", "w_q", "b_q", "w_out", "b_out")
    convolution = small.producer()
    return (
        attended.producer().attributes.get_int("num_heads", 0) == 1
        and all(array(values[name]) is not None for name in constants)
        and not any(convolution.attributes.get_ints("pads", [0] * 4))
        and all(array(value) is not None for value in convolution.inputs[2:])
    )


def _folded(
    op: Any, x: Any, gamma: Any, beta: Any, sizes: Any, shrink: Any, key_sizes: Any, key_gamma: Any, key_beta: Any,
    split: Any, tokens: Any, small: Any, source: Any, attended: Any, **linear: Any,
) -> Any:  # fmt: skip
    dtype = shrink.const_value.numpy().dtype

    def constant(values: Array) -> Any:
        return weight(op, values.astype(dtype))

    g, b, kernel = (np.asarray(array(value), np.float64) for value in (gamma, beta, shrink))
    convolution = small.producer()
    bias = sum(np.asarray(array(value), np.float64) for value in convolution.inputs[2:])
    bias = bias + (kernel.sum(axis=(2, 3)) @ (b - g))  # x = gamma (u + 1) + (beta - gamma)
    w_kv, b_kv = _keys_and_values(g, b, **{k: np.asarray(array(v), np.float64) for k, v in linear.items()})
    ones = constant(np.ones_like(g))
    query = op.LayerNormalization(x, ones, ones, **tokens.producer().attributes)
    whole = op.Transpose(op.Reshape(query, sizes), perm=[0, 3, 1, 2])
    shrunk = op.Conv(whole, constant(kernel * g[:, None, None]), constant(bias), **convolution.attributes)
    keys = op.Reshape(op.Transpose(shrunk, perm=[0, 2, 3, 1]), key_sizes)
    keys = op.LayerNormalization(keys, key_gamma, key_beta, **source.producer().attributes)
    key, value = op.Split(op.Add(op.MatMul(keys, constant(w_kv)), constant(b_kv)), split, axis=-1, _outputs=2)
    attributes = attended.producer().attributes
    return op.MultiHeadAttention(query, key, value, **attributes, _domain=CONTRIB, _version=1)


def _keys_and_values(
    gamma: Array, beta: Array, *, w_kv: Array, b_kv: Array, w_q: Array, b_q: Array, w_out: Array, b_out: Array
) -> tuple[Array, Array]:
    """The Linear layer of keys and values with both projections in it: (C, 2C) and (2C,)."""
    w_k, w_v = np.split(w_kv, 2, axis=1)
    b_k, b_v = np.split(b_kv, 2)
    to_key = w_q.T * gamma  # k -> gamma * (Wq k)
    to_key = to_key - to_key.mean(axis=1, keepdims=True) + (beta @ w_q + b_q)[:, None] / len(gamma)
    return (
        np.concatenate([w_k @ to_key, w_v @ w_out], axis=1),
        np.concatenate([b_k @ to_key, b_v @ w_out + b_out]),
    )


SINGLE_HEAD = GraphPass(
    name="single_head",
    summary="query and output projections of one-headed attention folded into keys and values",
    rules=RewriteRuleSet([RewriteRule(_projected, _folded, _has_one_head)]),
    portable=False,
)
