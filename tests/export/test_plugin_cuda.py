"""The plugin's kernel on a GPU, through ONNX Runtime, against the operator's definition: the cases of the CPU."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from export import cuda
from export.library import has_cuda
from export.passes.plugin_dcn import use_plugin
from mot.custom_ops import LIBRARY
from tests.benchmarks.device_session import bound, open_session, placement, synchronise
from tests.benchmarks.export_cuda_layers import typed
from tests.export.deform_case import Case, Feeds, graph_of
from tests.export.deform_reference import deform_conv
from tests.export.test_plugin import CASES
from tests.plugin_library import BUILD, FOLDER, UNAVAILABLE

pytestmark = pytest.mark.gpu
# Of the largest output; the reference computes with the rounded inputs, so what is left is the kernel's own rounding.
LIMITS = {torch.float32: 1e-5, torch.float16: 4e-3}


@pytest.fixture(scope="module")
def library() -> Path:
    """The library with the GPU's kernel, apart from the one without it."""
    if reason := cuda.missing():
        pytest.skip(reason)
    folder = FOLDER.with_name("plugin-of-tests-cuda")
    # Left to itself, build.sh takes the kernel in where it finds nvcc.
    environment = {name: value for name, value in os.environ.items() if name != "CUDA"}
    done = subprocess.run([BUILD, folder], env=environment, capture_output=True, text=True, check=False)
    if done.returncode == UNAVAILABLE:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    if not has_cuda(folder / LIBRARY):
        pytest.skip("nvcc, CUDA's compiler, is missing; the kernel cannot be built")
    return folder / LIBRARY


def rounded(feeds: Feeds, dtype: torch.dtype) -> Feeds:
    """The feeds as the type can hold them, in fp32."""
    return {name: torch.from_numpy(values).to(dtype).float().numpy() for name, values in feeds.items()}


@pytest.mark.parametrize("dtype", LIMITS, ids=["fp32", "fp16"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_as_defined_and_on_the_gpu(library: Path, case: Case, dtype: torch.dtype) -> None:
    feeds = rounded(case.tensors(), dtype)
    expected = deform_conv(
        feeds["x"], feeds["weight"], feeds["offset"], feeds.get("bias"), feeds.get("mask"), case.attributes
    )
    graph = typed(graph_of(feeds, case.attributes), dtype)
    assert use_plugin(graph) == 1
    inputs = {name: torch.from_numpy(values).to("cuda", dtype) for name, values in feeds.items()}
    y = torch.empty(expected.shape, device="cuda", dtype=dtype)
    bound(open_session(graph, "cuda", library), inputs, {"y": y})()
    synchronise("cuda")
    np.testing.assert_allclose(y.float().cpu().numpy(), expected, rtol=0, atol=LIMITS[dtype] * abs(expected).max())
    places = placement(graph, "cuda", library, inputs, {"y": y})
    assert places[cuda.CUDA]["ModulatedDeformConv2d"] == 1
    assert cuda.CPU not in places


def test_empty_batch(library: Path) -> None:
    case = Case(batch=0)
    feeds = case.tensors()
    graph = graph_of(feeds, case.attributes)
    use_plugin(graph)
    session = open_session(graph, "cuda", library)
    assert session.run(None, feeds)[0].shape == (0, 4, 6, 7)
