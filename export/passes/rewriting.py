"""What every pass is made of: a named set of rewriting rules, and how constants are read and written in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir
from onnx_ir.passes import common
from onnxscript.rewriter import RewriteRuleSet

CONTRIB = "com.microsoft"  # ONNX Runtime's own operators; no other runtime has them


@dataclass(frozen=True, kw_only=True)
class GraphPass:
    """One small change of the graph that keeps what it computes.

    A pass that finds nothing to change leaves the graph as it is; so does a second run of any pass.
    """

    name: str
    summary: str  # one line, for people
    rules: RewriteRuleSet
    portable: bool = True  # its operators are ONNX's own, so that TensorRT takes the graph, too

    def apply(self, model: onnx_ir.Model) -> int:
        """Change the model in place and say in how many places."""
        count = int(self.rules.apply_to_model(model))
        common.RemoveUnusedNodesPass()(model)
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
        return count


def array(value: Any) -> npt.NDArray[Any] | None:
    """The constant that a value of the graph holds, or None where it is computed."""
    return None if value is None or value.const_value is None else value.const_value.numpy()


def integers(value: Any) -> list[int] | None:
    """A constant shape, list of axes and so on; None where it is computed."""
    found = array(value)
    return None if found is None else [int(number) for number in found.ravel()]


def weight(op: Any, values: npt.NDArray[Any]) -> Any:
    """A new constant tensor in a replacement."""
    return op.Constant(value=onnx_ir.tensor(np.ascontiguousarray(values)))


def shape(op: Any, sizes: Sequence[int]) -> Any:
    """A new constant list of sizes in a replacement."""
    return op.Constant(value_ints=list(sizes))
