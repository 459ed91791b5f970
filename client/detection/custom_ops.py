"""The library with operators of exported graphs that ONNX Runtime has not: it lies beside the graph.

``make plugin`` builds it (export/plugin), ``mot-export model --dcn plugin`` puts it there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mot.custom_ops import LIBRARY, REMEDY
from mot.errors import MotError


class PluginError(MotError):
    """The library is missing, or this ONNX Runtime cannot load it."""


def register(library: Path, options: Any) -> None:
    """Make the library's operators known to a session's options.

    Raises:
        PluginError: it is missing, or was built for another machine or a newer ONNX Runtime.
    """
    if not library.is_file():
        raise PluginError(f"{library}: no such library; {REMEDY}")
    try:
        options.register_custom_ops_library(str(library.resolve()))
    except Exception as error:  # ONNX Runtime's errors have no other base
        raise PluginError(f"{library}: ONNX Runtime cannot load it: {error}; build it again: make plugin") from error


def register_beside(graph: Path, options: Any) -> None:
    """Register the library where one lies beside the graph; a graph of ONNX's own operators has none.

    Raises:
        PluginError: it cannot be loaded.
    """
    library = graph.with_name(LIBRARY)
    if library.is_file():
        register(library, options)
