"""Deformable convolution layer by layer on a GPU: torchvision's and the plugin's, on the same tensors.

Offsets are whole quarters of a pixel: torchvision adds up coordinates in the tensors' type, and fp16 has no finer ones
beyond column 256 (`scalar_t x = ... + offset_w` in its deform_conv2d_kernel.cu), where results would differ for that
reason alone. The time does not depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor
from torchvision.ops import deform_conv2d

from export.passes.plugin_dcn import use_plugin
from tests.benchmarks.device_session import bound, open_session, synchronise, take_turns
from tests.benchmarks.export_layers import OFFSET_DEVIATION, Layer, graph_of

DIFFERENCE = 0.01  # of the largest output: fp16's products are rounded to 2^-11, and some are summed in it


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Medians, in milliseconds a batch."""

    layer: Layer
    batch: int
    torchvision: float
    plugin: float


def typed(graph: onnx.ModelProto, dtype: torch.dtype) -> onnx.ModelProto:
    """A graph of one operator in another element type, changed in place: inputs, output and constants alike."""
    element = {torch.float32: TensorProto.FLOAT, torch.float16: TensorProto.FLOAT16}[dtype]
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.elem_type = element
    for constant in graph.graph.initializer:
        values = numpy_helper.to_array(constant).astype(np.float16 if dtype == torch.float16 else np.float32)
        constant.CopyFrom(numpy_helper.from_array(values, constant.name))
    return graph


def batched(graph: onnx.ModelProto, batch: int) -> onnx.ModelProto:
    """The graph for another batch, changed in place."""
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    return graph


def tensors_of(layer: Layer, batch: int, device: str, dtype: torch.dtype) -> dict[str, Tensor]:
    """Inputs of the layer but for the weights, which are in its graph."""
    rng = torch.Generator().manual_seed(0)
    size = (layer.height, layer.width)
    offset = torch.normal(0, OFFSET_DEVIATION, (batch, 18, *size), generator=rng)
    found = {
        "x": torch.randn(batch, layer.channels, *size, generator=rng),
        "offset": (4 * offset).round() / 4,
        "mask": torch.randn(batch, 9, *size, generator=rng).sigmoid(),
    }
    return {name: tensor.to(device, dtype).contiguous() for name, tensor in found.items()}


def measure(
    layer: Layer, library: Path, *, batch: int, rounds: int, repeats: int, device: str, dtype: torch.dtype
) -> Timing:
    """Time both, taking turns.

    Raises:
        SystemExit: one of them differs from torchvision in fp32.
    """
    graph = typed(batched(graph_of(layer, np.random.default_rng(0)), batch), dtype)
    weights = {c.name: torch.from_numpy(numpy_helper.to_array(c).copy()).to(device) for c in graph.graph.initializer}
    inputs = tensors_of(layer, batch, device, dtype)
    use_plugin(graph)

    def torchvision(to: torch.dtype = dtype) -> Tensor:
        x, offset, mask = (inputs[name].to(to) for name in ("x", "offset", "mask"))
        weight, bias = weights["weight"].to(to), weights["bias"].to(to)
        result: Tensor = deform_conv2d(x, offset, weight, bias, padding=1, mask=mask)
        return result

    y = torch.empty(batch, layer.outputs, layer.height, layer.width, device=device, dtype=dtype)
    plugin = bound(open_session(graph, device, library), inputs, {"y": y})
    with torch.no_grad():
        plugin()
        synchronise(device)
        wanted = torchvision(torch.float32)
        for name, actual in (("torchvision", torchvision()), ("plugin", y)):
            require_close(f"{layer.name}: {name}", actual, wanted)
        times = take_turns([torchvision, plugin], device, rounds=rounds, repeats=repeats)
    return Timing(layer=layer, batch=batch, torchvision=times[0], plugin=times[1])


def require_close(name: str, actual: Tensor, wanted: Tensor) -> None:
    """Raise SystemExit unless the outputs agree to a hundredth of the largest; no number agrees with nothing."""
    difference = float((actual.float() - wanted).abs().max() / wanted.abs().max())
    if not difference <= DIFFERENCE:
        raise SystemExit(f"{name} differs from torchvision in fp32 by {difference:.2g} of the largest output")
