"""The convolutions of a published ONNX file, in the order of its graph."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mot.errors import MotError


def convolutions(path: Path, expected: str) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each.

    Args:
        expected: what file it should be, for messages.

    Raises:
        MotError: the file is missing, no ONNX file, or a convolution's weights are computed and not stored.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from onnx import numpy_helper

    if not path.is_file():
        raise MotError(f"{path}: no such file; it should be {expected}")
    try:
        graph = onnx.load(path).graph
    except DecodeError as error:
        raise MotError(f"{path}: not an ONNX file ({error}); it should be {expected}") from error
    stored = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    named = [node.input[1:3] for node in graph.node if node.op_type == "Conv"]
    if not all(len(names) == 2 and set(names) <= stored.keys() for names in named):
        raise MotError(f"{path}: a convolution without stored weight and bias; it should be {expected}")
    return [(stored[weight], stored[bias]) for weight, bias in named]
