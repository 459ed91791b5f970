"""BatchNorm folded into the deformable convolution before it.

The exporter folds it into plain convolutions; it does not know DeformConv. With s = gamma / sqrt(var + eps):
weight' = s * weight, bias' = s * (bias - mean) + beta, per output channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnxscript.rewriter import RewriteRule, RewriteRuleSet

from export.passes.rewriting import GraphPass, array, weight


def _normalised(
    op: Any, x: Any, kernel: Any, offset: Any, bias: Any, mask: Any, gamma: Any, beta: Any, mean: Any, var: Any
) -> Any:
    deformed = op.DeformConv(x, kernel, offset, bias, mask, _outputs=["deformed"])
    return op.BatchNormalization(deformed, gamma, beta, mean, var, _outputs=["normalised"])


def _are_constant(_: Any, kernel: Any, bias: Any, gamma: Any, beta: Any, mean: Any, var: Any, **__: Any) -> bool:
    return all(array(value) is not None for value in (kernel, bias, gamma, beta, mean, var))


def _folded(
    op: Any, x: Any, kernel: Any, offset: Any, bias: Any, mask: Any, gamma: Any, beta: Any, mean: Any, var: Any,
    deformed: Any, normalised: Any,
) -> Any:  # fmt: skip
    epsilon = normalised.producer().attributes.get_float("epsilon", 1e-5)
    dtype = kernel.const_value.numpy().dtype
    kernel, bias, gamma, beta, mean, var = (
        np.asarray(array(value), np.float64) for value in (kernel, bias, gamma, beta, mean, var)
    )
    factor = gamma / np.sqrt(var + epsilon)
    return op.DeformConv(
        x,
        weight(op, (kernel * factor[:, None, None, None]).astype(dtype)),
        offset,
        weight(op, ((bias - mean) * factor + beta).astype(dtype)),
        mask,
        **deformed.producer().attributes,
    )


BATCHNORM = GraphPass(
    name="batchnorm",
    summary="BatchNorm folded into the deformable convolutions",
    rules=RewriteRuleSet([RewriteRule(_normalised, _folded, _are_constant)]),
)
