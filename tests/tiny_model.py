"""A tiny but real model of the contract: its rows are a function of the pixels, so a mix-up of frames shows."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.triton.config import BACKEND, write_configs
from mot.contract import MODEL_NAME, ModelSpec
from mot.detections import Detections

TINY = ModelSpec(architecture="tiny", height=32, width=64, top_k=5, embedding_dim=8, recipe="none")


def build(spec: ModelSpec = TINY, metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """A graph with the spec's tensors and metadata, or with the metadata given instead.

    With m the mean of each channel and k from 1, row k has the box k * (m_r, m_g, m_b, m_r + m_g + m_b), the
    score mean(m) / 255 / k and an embedding along a fixed mixture of m + 1.
    """
    rank = np.arange(1, spec.top_k + 1, dtype=np.float32)
    mixture = np.random.default_rng(0).uniform(0.1, 1, (3, spec.top_k * spec.embedding_dim)).astype(np.float32)
    sums = np.concatenate([np.eye(3), np.ones((3, 1))], axis=1).astype(np.float32)
    constants = {
        "rank": rank[:, None],  # (K, 1)
        "share": (1 / 255 / rank)[None],  # (1, K)
        "sums": sums,  # (3, 4)
        "mixture": mixture,  # (3, K * D)
        "one": np.array(1, np.float32),
        "axes": np.array([1, 2], np.int64),
        "middle": np.array([1], np.int64),
        "rows": np.array([-1, spec.top_k, spec.embedding_dim], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),  # (N, 3)
        helper.make_node("MatMul", ["mean", "sums"], ["box"]),  # (N, 4)
        helper.make_node("Unsqueeze", ["box", "middle"], ["box_row"]),  # (N, 1, 4)
        helper.make_node("Mul", ["box_row", "rank"], ["boxes"]),  # (N, K, 4)
        helper.make_node("ReduceMean", ["mean", "middle"], ["grey"], keepdims=1),  # (N, 1)
        helper.make_node("Mul", ["grey", "share"], ["scores"]),  # (N, K)
        helper.make_node("Add", ["mean", "one"], ["lifted"]),
        helper.make_node("MatMul", ["lifted", "mixture"], ["flat"]),
        helper.make_node("Reshape", ["flat", "rows"], ["mixed"]),
        helper.make_node("LpNormalization", ["mixed"], ["embeddings"], axis=-1, p=2),  # (N, K, D)
    ]
    types = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}
    graph = helper.make_graph(
        nodes,
        spec.architecture,
        [helper.make_tensor_value_info(t.name, types[t.dtype], ["n", *t.shape]) for t in spec.inputs],
        [helper.make_tensor_value_info(t.name, types[t.dtype], ["n", *t.shape]) for t in spec.outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, dict(spec.to_metadata() if metadata is None else metadata))
    onnx.checker.check_model(model)
    return model


def save(path: Path, spec: ModelSpec = TINY, metadata: Mapping[str, str] | None = None) -> Path:
    """Write the tiny model to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(build(spec, metadata), path)
    return path


def repository(folder: Path, spec: ModelSpec = TINY) -> Path:
    """A model repository that serves the tiny model with the project's own configuration and backend code."""
    model = folder / MODEL_NAME
    save(model / "1" / "model.onnx", spec)
    shutil.copy(BACKEND, model / "1" / "model.py")
    write_configs(model, spec)
    return folder


def slow_repository(folder: Path, seconds: float) -> Path:
    """The same, whose model takes so long for an image."""
    program = repository(folder) / MODEL_NAME / "1" / "model.py"
    begun = "    def _answer(self, request: Any) -> Any:\n"
    text = program.read_text()
    assert begun in text
    program.write_text(text.replace(begun, f"{begun}        __import__('time').sleep({seconds})\n"))
    return folder


def images(count: int, spec: ModelSpec = TINY) -> list[npt.NDArray[np.uint8]]:
    """Distinct letterboxed images, with more blue than red: the right sides of boxes are then to the right."""
    rng = np.random.default_rng(1)
    colours = [rng.integers(0, 1 + 250 * (k + 1) // count, spec.image.shape, np.uint8) for k in range(count)]
    return [np.sort(image, axis=-1) for image in colours]


def expected(image: npt.NDArray[np.uint8], spec: ModelSpec = TINY) -> Detections:
    """The tiny model in numpy; embeddings are left out."""
    mean = image.reshape(-1, 3).mean(axis=0, dtype=np.float64)
    rank = np.arange(1, spec.top_k + 1)
    return Detections(
        boxes=(rank[:, None] * np.append(mean, mean.sum())).astype(np.float32),
        scores=(mean.mean() / 255 / rank).astype(np.float32),
    )
