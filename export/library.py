"""The plugin's library on its way from where ``make plugin`` leaves it to its place beside a graph."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import onnx

from client.detection.custom_ops import PluginError
from export import cuda
from export.passes.plugin_dcn import needs_plugin
from mot.custom_ops import LIBRARY, REMEDY
from mot.files import whole_file

BUILT = Path(__file__).resolve().parents[1] / "build" / "plugin" / LIBRARY  # by `make plugin`


def choose_library(library: Path, dcn: Literal["native", "plugin"], precision: Literal["fp32", "fp16"]) -> Path | None:
    """The library that an export needs; None for ``native``.

    Raises:
        PluginError: it is missing, or cannot be checked in this precision on this machine.
    """
    if dcn == "native":
        return None
    if precision == "fp16" and (reason := cuda.missing()):
        raise PluginError(f"--dcn plugin computes in fp16 on a GPU alone, where parity is then checked: {reason}")
    if not library.is_file():
        raise PluginError(f"{library}: no such library; {REMEDY}")
    if precision == "fp16" and not has_cuda(library):
        raise PluginError(f"{library}: built without the GPU's kernel; CUDA=ON make plugin builds it (needs nvcc)")
    return library


def has_cuda(library: Path) -> bool:
    """Whether a library has kernels for the GPU: they name their provider."""
    return cuda.CUDA.encode() in library.read_bytes()


def providers(library: Path | None, precision: str) -> list[str]:
    """ONNX Runtime's providers for the parity check: the CPU, but for the plugin in fp16."""
    return [cuda.CUDA, cuda.CPU] if library and precision == "fp16" else [cuda.CPU]


def install(library: Path | None, graph: Path) -> None:
    """Copy the library beside the graph that needs it; without one, remove what a former graph needed."""
    if library is None:
        graph.with_name(LIBRARY).unlink(missing_ok=True)
        return
    with whole_file(graph.with_name(LIBRARY)) as temporary:
        shutil.copyfile(library, temporary)


def needed_by(graph: Path) -> Path | None:
    """Where the library of a graph must be, and None for a graph of ONNX's own operators."""
    return graph.with_name(LIBRARY) if needs_plugin(onnx.load(graph)) else None
