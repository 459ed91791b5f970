"""One library for many ONNX Runtimes: built against 1.21's headers, it loads in that and in later ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.passes.plugin_dcn import use_plugin
from tests.export.deform_case import Case, graph_of, run
from tests.plugin_library import plugin_library

PROGRAM = Path(__file__).with_name("plugin_in_old_runtime.py")


def install(version: str, folder: Path) -> None:
    """That ONNX Runtime's wheel in a folder of its own; skips the test where it cannot be had."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    command = [*pip, "--target", folder, f"onnxruntime=={version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"onnxruntime {version} could not be fetched within two minutes")
    if done.returncode:
        pytest.skip(f"onnxruntime {version} cannot be fetched: {done.stderr.strip().splitlines()[-1]}")


def run_in(folder: Path, library: Path, data: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, PROGRAM, library, data], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph of the plugin, its inputs and what it must give."""
    folder = tmp_path_factory.mktemp("data")
    case = Case(channels=16, outputs=16, size=(9, 11))
    feeds = case.tensors()
    np.savez(folder / "tensors.npz", **feeds, expected=run(feeds, case.attributes, None))
    graph = graph_of(feeds, case.attributes)
    use_plugin(graph)
    onnx.save(graph, folder / "graph.onnx")
    return folder


@pytest.mark.network
@pytest.mark.parametrize("version", ["1.21.1", "1.24.4", "1.27.0"])
def test_loads_and_computes(version: str, data: Path, tmp_path: Path) -> None:
    library = plugin_library()
    install(version, tmp_path)
    done = run_in(tmp_path, library, data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{version}: ")


@pytest.mark.network
def test_runtime_older_than_the_headers_is_told_so(data: Path, tmp_path: Path) -> None:
    library = plugin_library()
    install("1.20.1", tmp_path)
    done = run_in(tmp_path, library, data)
    assert done.returncode != 0
    assert "ModulatedDeformConv2d needs ONNX Runtime 1.21 or newer; this is 1.20.1" in done.stderr
