"""The whole of inference as one ONNX graph."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import onnx
import onnx_ir
import torch

from export.passes.plan import ALL, HEADS, apply_passes
from export.passes.plugin_dcn import use_plugin
from mot.contract import ModelSpec
from mot.errors import MotError
from mot.files import whole_file
from training.model.networks import STRIDE, Network, make_predictor
from training.recipe import Recipe

Precision = Literal["fp32", "fp16"]
PASSES_KEY, PRECISION_KEY = "mot.passes", "mot.precision"  # of the file's metadata, beside the contract's

OPSET = 20  # DeformConv came with 19; at 18 the exporter would silently write an invalid model


def make_spec(
    model: Network, recipe: Recipe, *, width: int | None, height: int | None, top_k: int, accuracy: str = ""
) -> ModelSpec:
    """The contract of an exported model; the input size is the one that the recipe exports unless given.

    Raises:
        MotError: the size does not suit the network, or has fewer cells than ``top_k``.
    """
    spec = ModelSpec(
        architecture=model.architecture,
        width=width or recipe.export_width or recipe.width,
        height=height or recipe.export_height or recipe.height,
        stride=STRIDE,
        top_k=top_k,
        embedding_dim=model.config.embedding_dim,
        mean=model.config.mean,
        std=model.config.std,
        recipe=recipe.name,
        accuracy=accuracy,
    )
    cells = (spec.width // STRIDE) * (spec.height // STRIDE)
    if top_k > cells:
        raise MotError(
            f"--top-k {top_k}: an input of {spec.width}x{spec.height} has {cells} cells for people; lower it or "
            "enlarge the input"
        )
    return spec


def export_onnx(
    model: Network,
    spec: ModelSpec,
    path: Path,
    *,
    passes: Sequence[str] = ALL,
    precision: Precision = "fp32",
    plugin: bool = False,
) -> dict[str, int]:
    """Write the graph of the contract, with its metadata, for any batch size; whole or not at all.

    Args:
        passes: names out of ``export.passes.plan``; the file's metadata names those that changed something.
        precision: ``fp16`` computes in half precision but for the decoding of boxes; inputs and outputs are the same.
        plugin: deformable convolutions become the plugin's operator.

    Returns:
        Each graph pass's name and in how many places it changed the graph.
    """
    if precision == "fp16":
        model = copy.deepcopy(model).half()
    predictor = make_predictor(model, spec.top_k, dense=HEADS not in passes).eval()
    example = torch.zeros((2, *spec.image.shape), dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            predictor,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[tensor.name for tensor in spec.inputs],
            output_names=[tensor.name for tensor in spec.outputs],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
            verbose=False,
        )
    assert program is not None
    changed = apply_passes(program.model, passes)
    cast_first(program.model)
    graph = program.model_proto
    if plugin:
        changed["dcn plugin"] = use_plugin(graph)
    forget_origin(graph.graph)
    made = [name for name in passes if name == HEADS or changed[name]]
    notes = {**spec.to_metadata(), PASSES_KEY: ",".join(made), PRECISION_KEY: precision}
    for key, value in notes.items():
        graph.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(graph, full_check=True)
    with whole_file(path) as temporary:
        onnx.save(graph, temporary)
    return changed


def cast_first(model: onnx_ir.Model) -> None:
    """Let the cast of the image be the only node that reads the image; the others read what it gives.

    TensorRT takes uint8 as an input of Cast and of nothing else, not even of Shape (NVIDIA/TensorRT, issue 3985).
    """
    image = model.graph.inputs[0]
    (cast,) = (node for node in image.consumers() if node.op_type == "Cast")
    model.graph.remove(cast)
    model.graph.insert_before(model.graph[0], cast)
    for node, index in tuple(image.uses()):
        if node is not cast:
            node.replace_input_with(index, cast.outputs[0])


def forget_origin(graph: onnx.GraphProto) -> None:
    """Drop the exporter's notes: the Python call stack of every node, with paths of the exporting machine."""
    graph.ClearField("metadata_props")
    graph.ClearField("doc_string")
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
