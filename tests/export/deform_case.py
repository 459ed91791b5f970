"""Deformable convolutions to try: their tensors, and graphs of one node that compute them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from client.detection.custom_ops import register
from export.passes.plugin_dcn import use_plugin

INPUTS = ("x", "weight", "offset", "bias", "mask")  # in ONNX's order
Feeds = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One convolution; attributes that are missing have ONNX's defaults."""

    batch: int = 1
    channels: int = 4
    outputs: int = 4
    size: tuple[int, int] = (6, 7)
    kernel: tuple[int, int] = (3, 3)
    attributes: dict[str, int | list[int]] = field(default_factory=lambda: {"pads": [1, 1, 1, 1]})
    bias: bool = True
    mask: bool = True

    @property
    def out_size(self) -> tuple[int, int]:
        pads = self.attributes.get("pads", [0] * 4)
        strides, dilations = self.attributes.get("strides", [1, 1]), self.attributes.get("dilations", [1, 1])
        lengths = [
            (self.size[i] + pads[i] + pads[i + 2] - dilations[i] * (self.kernel[i] - 1) - 1) // strides[i] + 1  # type: ignore[index]
            for i in range(2)
        ]
        return lengths[0], lengths[1]

    def tensors(self, seed: int = 0) -> Feeds:
        """Random values; offsets are two pixels long and reach beyond the borders, some end exactly on them."""
        rng = np.random.default_rng(seed)
        planes = int(self.attributes.get("offset_group", 1)) * self.kernel[0] * self.kernel[1]  # type: ignore[arg-type]
        group = int(self.attributes.get("group", 1))  # type: ignore[arg-type]
        shapes = {
            "x": (self.batch, self.channels, *self.size),
            "weight": (self.outputs, self.channels // group, *self.kernel),
            "offset": (self.batch, 2 * planes, *self.out_size),
            "bias": (self.outputs,),
            "mask": (self.batch, planes, *self.out_size),
        }
        found = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        found["offset"] *= 2
        found["offset"].flat[::5] = np.round(found["offset"].flat[::5])
        found["mask"] = (1 / (1 + np.exp(-found["mask"]))).astype(np.float32)
        for name in ("bias", "mask"):
            if not getattr(self, name):
                del found[name]
        return found


def graph_of(feeds: Feeds, attributes: dict[str, int | list[int]], *, constants: bool = False) -> onnx.ModelProto:
    """A graph of one ONNX DeformConv whose inputs are the feeds; with ``constants``, weight and bias are in it."""
    inside = [name for name in ("weight", "bias") if constants and name in feeds]
    names = [name if name in feeds else "" for name in INPUTS]
    while not names[-1]:
        names.pop()
    graph = helper.make_graph(
        [helper.make_node("DeformConv", names, ["y"], **attributes)],
        "convolution",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * feeds[name].ndim)
            for name in feeds
            if name not in inside
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)],
        [onnx.numpy_helper.from_array(feeds[name], name) for name in inside],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(
    feeds: Feeds, attributes: dict[str, int | list[int]], library: Path | None, *, constants: bool = False
) -> npt.NDArray[np.float32]:
    """The node's result, from the plugin where its library is given, else from ONNX Runtime itself."""
    graph = graph_of(feeds, attributes, constants=constants)
    options = ort.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    options.intra_op_num_threads = 2
    if library:
        assert use_plugin(graph) == 1
        register(library, options)
    session = ort.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = {entry.name for entry in session.get_inputs()}
    result: npt.NDArray[np.float32] = session.run(None, {k: v for k, v in feeds.items() if k in wanted})[0]
    return result
