"""A model's files: what the client reads from an ONNX graph, and ``config.pbtxt`` where a server is started on it."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from client.detection.onnx import read_spec
from client.serving.served_model import link_repository
from export.triton.config import config_pbtxt
from tests.fuzz.mutation import TEXT, WORDS, change_bytes, change_words
from tests.fuzz.target import Target, check_finite
from tests.tiny_model import TINY, build

_GRAPH = build().SerializeToString()
_CONFIGURATION = config_pbtxt(TINY, "local").encode()


def change_metadata(data: bytes, random: Random) -> bytes:
    """A pair of the graph's metadata changed, left out, or given twice."""
    model = _parsed(data)
    if model is None or not model.metadata_props:
        return change_bytes(data, random)
    pair = random.choice(model.metadata_props)
    kind = random.randrange(8)
    if kind == 0:
        model.metadata_props.remove(pair)
    elif kind == 1:
        model.metadata_props.append(pair)
    elif kind == 2:
        pair.key = _text(change_words(_bytes(pair.key), random))
    elif kind == 3:
        pair.value = _text(random.choice(WORDS))
    else:
        pair.value = _text(change_words(_bytes(pair.value), random))
    return model.SerializeToString()


def change_tensors(data: bytes, random: Random) -> bytes:
    """An input's or output's name, type, or size of a side changed."""
    model = _parsed(data)
    tensors = [] if model is None else [*model.graph.input, *model.graph.output]
    if not tensors:
        return change_bytes(data, random)
    tensor = random.choice(tensors)
    sides = tensor.type.tensor_type.shape.dim
    kind = random.randrange(4)
    if kind == 0:
        tensor.name = random.choice(("", "image", "boxes", "\0", "x" * 300))
    elif kind == 1:
        tensor.type.tensor_type.elem_type = random.randrange(25)
    elif kind == 2 or not sides:
        sides.add(dim_value=random.choice((0, 1, -1, 5, 2**62)))
    else:
        side = random.choice(sides)
        if random.random() < 0.5:
            side.dim_value = random.choice((0, -1, 1, 32, 2**31, 2**62))
        else:
            side.dim_param = random.choice(("", "n", "\u00e9"))
    assert model is not None
    return model.SerializeToString()


def _parsed(data: bytes) -> onnx.ModelProto | None:
    try:
        return onnx.ModelProto.FromString(data)
    except DecodeError:
        return None


def _bytes(text: str | bytes) -> bytes:
    """protobuf gives bytes where a text is none."""
    return text if isinstance(text, bytes) else text.encode()


def _text(data: bytes) -> str:
    return data[:10_000].decode(errors="replace")


def _spec(path: Path) -> None:
    spec = read_spec(path)
    assert min(spec.width, spec.height, spec.top_k, spec.embedding_dim) > 0
    check_finite(*spec.mean, *spec.std, *spec.thresholds.values())
    assert all(np.prod(tensor.shape) < 2**63 for tensor in (*spec.inputs, *spec.outputs))


def _served(path: Path) -> None:
    """``REPOSITORY/fairmot/configs/local.pbtxt``, and beside it what a model has."""
    model = path.parents[1]
    version = model / "1"
    if not version.is_dir():
        version.mkdir()
        (version / "model.onnx").write_bytes(_GRAPH)
        (version / "model.py").touch()
    models = model.parent / "served"
    try:
        link_repository(models, model.parent, model.name, instances=2)
        assert (models / model.name / "1" / "model.onnx").is_file()
        assert (models / model.name / "configs" / "local.pbtxt").read_text(encoding="utf-8")
    finally:
        shutil.rmtree(models, ignore_errors=True)


ONNX = Target(
    name="onnx",
    file="model.onnx",
    seeds=(_GRAPH,),
    reads=(_spec,),
    mutations=(change_metadata, change_metadata, change_metadata, change_tensors, change_tensors, change_bytes),
)
PBTXT = Target(
    name="pbtxt", file="fairmot/configs/local.pbtxt", seeds=(_CONFIGURATION,), reads=(_served,), mutations=TEXT
)
TARGETS = (ONNX, PBTXT)
