"""The image's normalisation, as far as it fits into the first convolution.

(x - mean) / std: the division goes into the convolution's weights; the subtraction cannot, because the convolution
pads with zeros after it. Where the mean is zero, nothing is left to subtract.
"""

from __future__ import annotations

from typing import Any

from onnxscript.rewriter import RewriteRule, RewriteRuleSet

from export.passes.rewriting import GraphPass, array, weight


def _divided(op: Any, x: Any, std: Any, kernel: Any) -> Any:
    return op.Conv(op.Div(x, std), kernel, _allow_other_inputs=True, _outputs=["convolved"])


def _is_per_channel(_: Any, std: Any, kernel: Any, convolved: Any, **__: Any) -> bool:
    divisor, values = array(std), array(kernel)
    return (
        divisor is not None
        and values is not None
        and divisor.shape == (values.shape[1], 1, 1)
        and convolved.producer().attributes.get_int("group", 1) == 1
    )


def _scaled(op: Any, x: Any, std: Any, kernel: Any, convolved: Any) -> Any:
    node = convolved.producer()
    values = kernel.const_value.numpy() / std.const_value.numpy()
    return op.Conv(x, weight(op, values), *node.inputs[2:], **node.attributes)


def _subtracted(op: Any, x: Any, mean: Any) -> Any:
    return op.Sub(x, mean)


def _is_zero(_: Any, x: Any, mean: Any) -> bool:
    values = array(mean)
    return values is not None and values.shape == (3, 1, 1) and not values.any()


def _unchanged(op: Any, x: Any, mean: Any) -> Any:
    return op.Identity(x)


NORMALISE = GraphPass(
    name="normalise",
    summary="division by the standard deviation folded into the first convolution",
    rules=RewriteRuleSet(
        [RewriteRule(_divided, _scaled, _is_per_channel), RewriteRule(_subtracted, _unchanged, _is_zero)]
    ),
)
