"""Deformable convolution layer by layer: ONNX Runtime's own DeformConv against the plugin.

The layers are those of a model at an input size, found by running it, and one of 64 to 64 channels at 152x272.
Both sides are sessions of one process with the same threads, and take turns; the table shows medians. Offsets are
normally distributed with a deviation of 1.5 pixels, masks the sigmoids of normal numbers, as in trained models.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table
from torch import nn

from client.detection.custom_ops import register
from export.passes.plugin_dcn import use_plugin
from training.model.dcn import ModulatedDeformConv
from training.model.fairmot import FairMOT

OFFSET_DEVIATION = 1.5  # pixels


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A 3x3 deformable convolution of one image, stride 1."""

    name: str
    channels: int
    outputs: int
    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Medians, in milliseconds."""

    layer: Layer
    native: float
    plugin: float


SINGLE = Layer(name="64 to 64", channels=64, outputs=64, height=152, width=272)


def layers_of(architecture: str, width: int, height: int) -> list[Layer]:
    """The deformable convolutions of an untrained network, in the order in which they run."""
    found: list[Layer] = []

    def note(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def hook(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            assert isinstance(layer, ModulatedDeformConv)
            _, channels, rows, columns = inputs[0].shape
            found.append(Layer(name=name, channels=channels, outputs=len(layer.weight), height=rows, width=columns))

        return hook

    model = FairMOT(architecture).eval()
    for name, module in model.named_modules():
        if isinstance(module, ModulatedDeformConv):
            module.register_forward_pre_hook(note(name))
    with torch.no_grad():
        model(torch.zeros(1, 3, height, width))
    return found


def graph_of(layer: Layer, rng: np.random.Generator) -> onnx.ModelProto:
    """One ONNX DeformConv with constant weights, as exported models have it."""
    size = [layer.height, layer.width]
    weight = rng.normal(0, 0.05, (layer.outputs, layer.channels, 3, 3)).astype(np.float32)
    shapes = {"x": [1, layer.channels, *size], "offset": [1, 18, *size], "mask": [1, 9, *size]}
    graph = helper.make_graph(
        [helper.make_node("DeformConv", ["x", "weight", "offset", "bias", "mask"], ["y"], pads=[1, 1, 1, 1])],
        "layer",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, layer.outputs, *size])],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.zeros(layer.outputs, np.float32), "bias"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def measure(layer: Layer, library: Path, rounds: int, threads: int = 2) -> Timing:
    """Time both sides on the same tensors, taking turns; they must agree."""
    rng = np.random.default_rng(0)
    graph = graph_of(layer, rng)
    native = _session(graph, threads, None)
    use_plugin(graph)
    plugin = _session(graph, threads, library)
    size = (layer.height, layer.width)
    feeds = {
        "x": rng.normal(size=(1, layer.channels, *size)).astype(np.float32),
        "offset": rng.normal(0, OFFSET_DEVIATION, (1, 18, *size)).astype(np.float32),
        "mask": (1 / (1 + np.exp(-rng.normal(size=(1, 9, *size))))).astype(np.float32),
    }
    np.testing.assert_allclose(plugin.run(None, feeds)[0], native.run(None, feeds)[0], atol=1e-3)
    y = np.zeros((1, layer.outputs, *size), np.float32)
    runs = [(session, _bound(session, {**feeds, "y": y})) for session in (native, plugin)]
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for (session, binding), seconds in zip(runs, times, strict=True):
            begun = time.perf_counter()
            session.run_with_iobinding(binding)
            seconds.append(time.perf_counter() - begun)
    medians = [1000 * statistics.median(seconds) for seconds in times]
    return Timing(layer=layer, native=medians[0], plugin=medians[1])


def table_of(timings: Sequence[Any], title: str, *, peer: str = "native", digits: int = 2) -> Table:
    """One line a layer, and their sum: ``peer``, the timings' field of the other side, against the plugin."""
    table = Table(title=title)
    for column in ("layer", "channels", "map", f"{peer} [ms]", "plugin [ms]", f"{peer}/plugin"):
        table.add_column(column, justify="left" if column == "layer" else "right")

    def numbers(other: float, plugin: float) -> tuple[str, str, str]:
        return f"{other:.{digits}f}", f"{plugin:.{digits}f}", f"{other / plugin:.2f}"

    for t in timings:
        shape = (f"{t.layer.channels} to {t.layer.outputs}", f"{t.layer.height}x{t.layer.width}")
        table.add_row(t.layer.name, *shape, *numbers(getattr(t, peer), t.plugin))
    sums = (sum(getattr(t, side) for t in timings) for side in (peer, "plugin"))
    table.add_row("all", "", "", *numbers(*sums), style="bold")
    return table


def report(
    console: Console, library: Path, *, architecture: str, width: int, height: int, rounds: int, threads: int
) -> list[Timing]:
    """Measure and print both tables; returns what they show."""
    title = f"DeformConv, {threads} threads, ONNX Runtime {ort.__version__}, median of {rounds}"
    timings = [measure(SINGLE, library, rounds, threads)]
    console.print(table_of(timings, title))
    of_model = [measure(layer, library, rounds, threads) for layer in layers_of(architecture, width, height)]
    console.print(table_of(of_model, f"{title}\n{architecture} at {width}x{height}"))
    return timings + of_model


def _session(graph: onnx.ModelProto, threads: int, library: Path | None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # The idle session's threads must not spin on the cores that the other is timed on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if library:
        register(library, options)
    return ort.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _bound(session: ort.InferenceSession, tensors: dict[str, npt.NDArray[np.float32]]) -> ort.IOBinding:
    """The caller's arrays as input and output: between the layers of a graph nothing is copied to new memory either."""
    binding = session.io_binding()
    values = {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in tensors.items()}
    binding.bind_ortvalue_output("y", values.pop("y"))
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    return binding
