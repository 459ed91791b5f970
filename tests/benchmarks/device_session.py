"""Graphs on one device whose inputs and outputs stay in its memory, so that no copy is timed."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor

from client.detection.custom_ops import register
from export.cuda import CPU, CUDA

Call = Callable[[], object]
_NUMPY = {torch.float32: np.float32, torch.float16: np.float16, torch.uint8: np.uint8}


def open_session(
    graph: onnx.ModelProto, device: str, library: Path | None, *, options: ort.SessionOptions | None = None
) -> Any:
    """A session on ``cuda`` or ``cpu``; the plugin's library for a graph that needs it."""
    options = options or ort.SessionOptions()
    options.log_severity_level = 3  # it warns of every shape computation that it leaves to the CPU
    if library:
        register(library, options)
    # As Triton is configured to (export/triton/config.py).
    cuda = (CUDA, {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"})
    providers = [cuda, CPU] if device == "cuda" else [CPU]
    return ort.InferenceSession(graph.SerializeToString(), options, providers=providers)


def bound(session: Any, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> Call:
    """One run from the inputs' memory to the outputs'; it returns when the work is queued, as torch's calls do."""
    binding = session.io_binding()
    for bind, tensors in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
        for name, tensor in tensors.items():
            assert tensor.is_contiguous()
            place = (tensor.device.type, tensor.device.index or 0)
            bind(name, *place, _NUMPY[tensor.dtype], tuple(tensor.shape), tensor.data_ptr())
    how = ort.RunOptions()
    how.add_run_config_entry("disable_synchronize_execution_providers", "1")
    kept = (binding, dict(inputs), dict(outputs))  # the binding holds addresses alone

    def call() -> None:
        session.run_with_iobinding(kept[0], how)

    return call


def placement(
    graph: onnx.ModelProto,
    device: str,
    library: Path | None,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
) -> dict[str, Counter[str]]:
    """Provider -> how many nodes of each operator ran there, by ONNX Runtime's profile of one run."""
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = open_session(graph, device, library, options=options)
        bound(session, inputs, outputs)()
        synchronise(device)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    found: dict[str, Counter[str]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            found.setdefault(event["args"]["provider"], Counter())[event["args"]["op_name"]] += 1
    return found


def take_turns(calls: Sequence[Call], device: str, *, rounds: int, repeats: int) -> list[float]:
    """Median milliseconds of each call; a turn queues ``repeats`` of one and waits for the device."""
    for call in calls:
        for _ in range(3):
            call()  # the first runs choose algorithms and fetch memory
    spent: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, seconds in zip(calls, spent, strict=True):
            synchronise(device)
            begun = time.perf_counter()
            for _ in range(repeats):
                call()
            synchronise(device)
            seconds.append((time.perf_counter() - begun) / repeats)
    return [1000 * statistics.median(seconds) for seconds in spent]


def synchronise(device: str) -> None:
    """Wait for all streams of the device, ONNX Runtime's too."""
    if device == "cuda":
        torch.cuda.synchronize()
