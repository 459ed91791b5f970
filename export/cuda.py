"""Whether ONNX Runtime can use this machine's NVIDIA GPU."""

from __future__ import annotations

import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


def missing() -> str | None:
    """What keeps ONNX Runtime from a CUDA device, and what to install; None where nothing does."""
    if not torch.cuda.is_available():
        return (
            f"torch {torch.__version__} finds no CUDA device; needed are an NVIDIA GPU with its driver (nvidia-smi "
            "lists it) and a torch that is built for CUDA"
        )
    if CUDA not in ort.get_available_providers():
        return (
            f"ONNX Runtime {ort.__version__} has no {CUDA}; "
            "pip uninstall onnxruntime && pip install onnxruntime-gpu brings it"
        )
    # A provider whose own libraries do not load is left out without an error.
    session = ort.InferenceSession(_nothing().SerializeToString(), providers=[CUDA, CPU])
    if CUDA not in session.get_providers():
        return (
            f"ONNX Runtime {ort.__version__} cannot load its {CUDA}, for the reason above; "
            f"it must be one for torch's CUDA, {torch.version.cuda}"
        )
    return None


def _nothing() -> onnx.ModelProto:
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "nothing", tensors[:1], tensors[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
