"""The whole of inference as one ONNX graph."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import onnx
import torch

from mot.contract import ModelSpec
from mot.files import whole_file
from training.model.decode import Predictor
from training.model.fairmot import STRIDE, FairMOT
from training.recipe import Recipe

OPSET = 20  # DeformConv came with 19; at 18 the exporter would silently write an invalid model


def make_spec(
    model: FairMOT, recipe: Recipe, *, width: int | None, height: int | None, top_k: int, accuracy: str
) -> ModelSpec:
    """The contract of an exported model; the input size is the recipe's unless given."""
    return ModelSpec(
        architecture=model.architecture,
        width=width or recipe.width,
        height=height or recipe.height,
        stride=STRIDE,
        top_k=top_k,
        embedding_dim=model.config.embedding_dim,
        mean=model.config.mean,
        std=model.config.std,
        recipe=recipe.name,
        accuracy=accuracy,
    )


def export_onnx(model: FairMOT, spec: ModelSpec, path: Path) -> None:
    """Write the graph of the contract, with its metadata, for any batch size; whole or not at all."""
    predictor = Predictor(model, spec.top_k).eval()
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
    graph = program.model_proto
    forget_origin(graph.graph)
    for key, value in spec.to_metadata().items():
        graph.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(graph, full_check=True)
    with whole_file(path) as temporary:
        onnx.save(graph, temporary)


def forget_origin(graph: onnx.GraphProto) -> None:
    """Drop the exporter's notes: the Python call stack of every node, with paths of the exporting machine."""
    graph.ClearField("metadata_props")
    graph.ClearField("doc_string")
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
