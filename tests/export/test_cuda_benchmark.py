"""The benchmark of GPUs where there is none: its counting, and its sessions on the CPU's memory."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from rich.console import Console
from torch import nn

from export import cuda
from export.library import has_cuda
from export.passes.plugin_dcn import use_plugin
from tests.benchmarks import export_cuda, export_cuda_graph, export_cuda_layers
from tests.benchmarks.device_session import bound, open_session, placement, take_turns
from tests.benchmarks.export_graph import Subject
from tests.benchmarks.export_layers import Layer, graph_of, table_of
from tests.benchmarks.flops import flops
from tests.plugin_library import ROOT, plugin_library
from training.model.dcn import ModulatedDeformConv

LAYER = Layer(name="small", channels=4, outputs=6, height=5, width=7)


def printed(table: object) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


@pytest.mark.parametrize(
    ("network", "shape", "operations"),
    [
        (nn.Linear(3, 5), (7, 3), 2 * 7 * 3 * 5),
        (nn.Conv2d(3, 5, 3, padding=1), (2, 3, 4, 6), 2 * 2 * 24 * 27 * 5),
        # 27 channels of offsets and masks, and the product itself
        (ModulatedDeformConv(3, 5), (2, 3, 4, 6), 2 * 2 * 24 * 27 * (27 + 5)),
        (nn.ReLU(), (2, 3), 0),
    ],
    ids=["linear", "convolution", "deformable convolution", "no product"],
)
def test_operations_of_known_layers(network: nn.Module, shape: tuple[int, ...], operations: int) -> None:
    assert flops(network, shape, torch.float32) == operations


def test_operations_of_attention() -> None:
    """Queries by keys, then by values: the CPU's fused attention must not hide them."""

    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x)

    assert flops(Attention(), (2, 3, 10, 4), torch.float32) == 2 * (2 * 2 * 3 * 10 * 10 * 4)


def test_layer_in_half_precision() -> None:
    graph = export_cuda_layers.typed(
        export_cuda_layers.batched(graph_of(LAYER, np.random.default_rng(0)), 8), torch.float16
    )
    use_plugin(graph)
    onnx.checker.check_model(graph, full_check=True)
    tensors = [value.type.tensor_type for value in (*graph.graph.input, *graph.graph.output)]
    assert {tensor.elem_type for tensor in tensors} == {onnx.TensorProto.FLOAT16}
    assert {tensor.shape.dim[0].dim_value for tensor in tensors} == {8}
    assert {constant.data_type for constant in graph.graph.initializer} == {onnx.TensorProto.FLOAT16}


def test_offsets_are_whole_quarters_of_a_pixel() -> None:
    offset = export_cuda_layers.tensors_of(LAYER, 2, "cpu", torch.float16)["offset"]
    assert offset.dtype == torch.float16
    assert bool((4 * offset == (4 * offset).round()).all()) and bool((offset != offset.round()).any())


def test_session_writes_where_it_is_told_and_profile_says_what_ran_there() -> None:
    """fp16 and ONNX's operator, which the CPU computes in fp32 between casts."""
    graph = export_cuda_layers.typed(
        export_cuda_layers.batched(graph_of(LAYER, np.random.default_rng(0)), 2), torch.float16
    )
    inputs = export_cuda_layers.tensors_of(LAYER, 2, "cpu", torch.float16)
    y = torch.full((2, 6, 5, 7), torch.nan, dtype=torch.float16)
    call = bound(open_session(graph, "cpu", None), inputs, {"y": y})
    (milliseconds,) = take_turns([call], "cpu", rounds=2, repeats=2)
    assert milliseconds > 0 and not y.isnan().any()
    places = placement(graph, "cpu", None, inputs, {"y": y})
    assert list(places) == [cuda.CPU] and places[cuda.CPU]["DeformConv"] == 1


def test_layer_is_measured_both_ways() -> None:
    timing = export_cuda_layers.measure(
        LAYER, plugin_library(), batch=2, rounds=1, repeats=1, device="cpu", dtype=torch.float32
    )
    assert min(timing.torchvision, timing.plugin) > 0


@pytest.mark.parametrize("wrong", [1.02, torch.nan], ids=["other", "no number"])
def test_other_results_are_not_timed(wrong: float) -> None:
    ones = torch.ones(3)
    export_cuda_layers.require_close("same", 1.001 * ones, ones)
    with pytest.raises(SystemExit, match="plugin differs from torchvision in fp32"):
        export_cuda_layers.require_close("plugin", wrong * ones, ones)
    with pytest.raises(SystemExit, match="plugin: scores differ"):
        export_cuda_graph.require_scores("plugin", wrong * ones, ones)


def test_whole_graph_is_measured_in_all_variants() -> None:
    subject = Subject(architecture="yolox_nano", width=96, height=64)
    timings = export_cuda_graph.measure(
        subject, plugin_library(), batches=(1, 2), rounds=1, repeats=1, device="cpu", precision="fp32", matmul_size=64
    )
    assert [(t.variant, t.batch) for t in timings] == [
        (f"{operator}, {passes} passes", batch)
        for batch in (1, 2)
        for passes in ("portable", "all")
        for operator in ("native", "plugin")
    ]
    assert timings[4].flops == 2 * timings[0].flops > 0
    assert timings[0].on_cpu["DeformConv"] == timings[1].on_cpu["ModulatedDeformConv2d"] == 4


def test_share_and_frames_of_a_known_case() -> None:
    timing = export_cuda_graph.Timing(
        variant="plugin", batch=8, milliseconds=20, flops=4 * 10**12, matmul=800e12, on_cpu={"Shape": 3}
    )
    assert timing.frames == 400 and timing.share == 0.25
    row = next(line for line in printed(export_cuda_graph.table_of([timing], "t")).splitlines() if "plugin" in line)
    assert row.replace("│", "").split() == ["plugin", "8", "20.00", "400.0", "200", "25.0%", "3"]


def test_table_of_layers_sums_them() -> None:
    timing = export_cuda_layers.Timing(layer=LAYER, batch=8, torchvision=3, plugin=1)
    rows = [
        line.replace("│", "").split()
        for line in printed(table_of([timing] * 2, "t", peer="torchvision", digits=3)).splitlines()
    ]
    assert ["all", "6.000", "2.000", "3.00"] in rows


def test_command_without_a_gpu_says_what_is_missing() -> None:
    if cuda.missing() is None:
        pytest.skip("there is a GPU")
    command = [sys.executable, str(ROOT / "tests/benchmarks/export.py"), "--section", "cuda"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("--section cuda cannot run: ") and len(done.stderr.splitlines()) == 1


def test_library_without_the_kernel_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cuda, "missing", lambda: None)
    assert "no such library" in str(export_cuda.missing(tmp_path / "none.so"))
    assert not has_cuda(plugin_library())
    assert "CUDA=ON make plugin" in str(export_cuda.missing(plugin_library()))
