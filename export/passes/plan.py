"""Which passes an export takes, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import onnx_ir

from export.passes.attention import ATTENTION
from export.passes.batchnorm import BATCHNORM
from export.passes.layout import LAYOUT
from export.passes.normalise import NORMALISE
from export.passes.pointwise import POINTWISE
from export.passes.rewriting import GraphPass
from export.passes.single_head import SINGLE_HEAD
from export.passes.stage_norm import STAGE_NORM
from export.passes.stem import STEM
from export.passes.upsample import UPSAMPLE
from mot.errors import MotError

# Not a change of the graph but of what is exported: box, offset and embedding at the K peaks from 3x3 patches,
# instead of over the whole map (training/model/heads.py).
HEADS = "heads"
HEADS_SUMMARY = "box, offset and embedding computed at the K peaks alone"

# In this order: some passes work on the form that an earlier one leaves, and find nothing without it.
GRAPH_PASSES: tuple[GraphPass, ...] = (
    STEM,
    NORMALISE,
    BATCHNORM,
    LAYOUT,
    STAGE_NORM,
    ATTENTION,
    SINGLE_HEAD,
    POINTWISE,
    UPSAMPLE,
)

ALL = (HEADS, *(graph_pass.name for graph_pass in GRAPH_PASSES))
PORTABLE = (HEADS, *(graph_pass.name for graph_pass in GRAPH_PASSES if graph_pass.portable))
SETS = {"all": ALL, "portable": PORTABLE, "none": ()}


def choose(chosen: str, without: Collection[str] = ()) -> tuple[str, ...]:
    """The names of a set of passes, less some.

    Args:
        chosen: ``all``, ``portable`` (standard operators alone, for TensorRT), or ``none``.
        without: names to leave out.

    Raises:
        MotError: the set or a pass is unknown.
    """
    if chosen not in SETS:
        raise MotError(f"passes {chosen!r} is not one of {', '.join(SETS)}")
    unknown = sorted(set(without) - set(ALL))
    if unknown:
        raise MotError(f"pass {unknown[0]!r} is unknown; there are {', '.join(ALL)}")
    return tuple(name for name in SETS[chosen] if name not in without)


def apply_passes(model: onnx_ir.Model, names: Sequence[str]) -> dict[str, int]:
    """Run the named graph passes in their order; name -> places changed."""
    return {graph_pass.name: graph_pass.apply(model) for graph_pass in GRAPH_PASSES if graph_pass.name in names}
