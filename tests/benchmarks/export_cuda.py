"""fp16 on an NVIDIA GPU: deformable convolutions against torchvision's, and whole graphs at several batches."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import onnxruntime as ort
import torch
import torchvision
from rich.console import Console

from client.detection.custom_ops import PluginError
from export import cuda
from export.library import choose_library
from tests.benchmarks import export_cuda_graph, export_cuda_layers
from tests.benchmarks.export_graph import Subject
from tests.benchmarks.export_layers import SINGLE, layers_of, table_of

LAYER_BATCH = 8
BATCHES = (8, 16, 32)
REPEATS = 10  # calls queued at a time, so that the device is never idle between two


def missing(library: Path) -> str | None:
    """What this section needs and has not; None where it can run."""
    if reason := cuda.missing():
        return reason
    try:
        choose_library(library, "plugin", "fp16")
    except PluginError as error:
        return str(error)
    return None


def report(console: Console, library: Path, subject: Subject, *, rounds: int) -> dict[str, object]:
    """Measure and print all tables; returns what they show."""
    device = torch.cuda.get_device_name()
    versions = f"torchvision {torchvision.__version__}, ONNX Runtime {ort.__version__}, median of {rounds}"
    how = {"rounds": rounds, "repeats": REPEATS, "device": "cuda"}

    def measured(layer: export_cuda_layers.Layer) -> export_cuda_layers.Timing:
        return export_cuda_layers.measure(layer, library, batch=LAYER_BATCH, dtype=torch.float16, **how)  # type: ignore[arg-type]

    title = f"Deformable convolution, fp16, batch {LAYER_BATCH}, {device}\n{versions}"
    single = measured(SINGLE)
    console.print(table_of([single], title, peer="torchvision", digits=3))
    layers = [measured(layer) for layer in layers_of(subject.architecture, subject.width, subject.height)]
    size = f"{subject.architecture} at {subject.width}x{subject.height}"
    console.print(table_of(layers, f"{title}\n{size}", peer="torchvision", digits=3))
    graphs = export_cuda_graph.measure(
        subject,
        library,
        batches=BATCHES,
        precision="fp16",
        say=console.print,
        **how,  # type: ignore[arg-type]
    )
    work = f"{graphs[0].flops / graphs[0].batch / 1e9:.4g} GFLOP a frame"
    note = f"{work}; matmul of {export_cuda_graph.MATMUL_SIZE}: {graphs[0].matmul / 1e12:.3g} TFLOP/s"
    console.print(export_cuda_graph.table_of(graphs, f"{size}, fp16, {device}\n{versions}\n{note}"))
    return {
        "device": device,
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "layers": [dataclasses.asdict(timing) for timing in (single, *layers)],
        "graphs": [
            {**dataclasses.asdict(timing), "frames_per_second": timing.frames, "share": timing.share}
            for timing in graphs
        ],
    }
