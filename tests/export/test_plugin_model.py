"""Whole models with the plugin: the pass, `mot-export model --dcn plugin`, and both that run the result."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig
from typer.testing import CliRunner

from client.detection.custom_ops import PluginError
from client.detection.errors import DetectorError
from client.detection.onnx import OnnxDetector
from export import cli, cuda
from export.library import choose_library, install, needed_by, providers
from export.passes.plugin_dcn import needs_plugin, use_plugin
from export.to_onnx import export_onnx, make_spec
from export.triton.config import CONFIG_PATHS
from export.verify import sample_images
from mot.contract import ModelSpec
from mot.custom_ops import DOMAIN, LIBRARY
from tests.media import frame_of
from tests.plugin_library import plugin_library
from tests.tiny_model import build
from training.checkpoint import load_model

Exported = tuple[Path, ModelSpec]


@pytest.fixture(scope="module")
def model_dir(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's directory as the command writes it, version 2."""
    folder = tmp_path_factory.mktemp("plugin") / "fairmot"
    arguments = ["model", str(checkpoint), "--output", str(folder), "--version", "2", "--top-k", "16"]
    result = CliRunner().invoke(cli.app, [*arguments, "--dcn", "plugin", "--plugin", str(plugin_library())])
    if result.exception:
        raise result.exception
    return folder


def test_pass_renames_every_deformable_convolution_and_nothing_else(exported: Exported) -> None:
    before, after = onnx.load(exported[0]), onnx.load(exported[0])
    assert use_plugin(after) == 4
    assert needs_plugin(after)
    onnx.checker.check_model(after, full_check=True)
    changed = [(a, b) for a, b in zip(before.graph.node, after.graph.node, strict=True) if a != b]
    assert len(changed) == 4
    for old, new in changed:
        assert (new.op_type, new.domain) == ("ModulatedDeformConv2d", "mot.ops")
        assert (new.input, new.output, new.attribute) == (old.input, old.output, old.attribute)


def test_pass_runs_twice_without_effect(exported: Exported) -> None:
    graph = onnx.load(exported[0])
    use_plugin(graph)
    once = graph.SerializeToString()
    assert use_plugin(graph) == 0
    assert graph.SerializeToString() == once


def test_pass_leaves_a_graph_without_deformable_convolutions_alone() -> None:
    graph = build()
    assert use_plugin(graph) == 0
    assert graph == build()


def test_command_writes_library_and_configurations(model_dir: Path) -> None:
    assert sorted(p.name for p in (model_dir / "2").iterdir()) == [LIBRARY, "model.onnx", "model.py"]
    assert needed_by(model_dir / "2" / "model.onnx") == model_dir / "2" / LIBRARY
    named = {
        target: text_format.Parse((model_dir / path).read_text(), ModelConfig()).model_operations.op_library_filename
        for target, path in CONFIG_PATHS.items()
    }
    assert named == {"container": [f"/models/fairmot/2/{LIBRARY}"], "local": [f"2/{LIBRARY}"]}


def test_config_and_verify_find_the_library(model_dir: Path, checkpoint: Path) -> None:
    texts = [(model_dir / path).read_text() for path in CONFIG_PATHS.values()]
    assert CliRunner().invoke(cli.app, ["config", str(model_dir), "--version", "2"]).exit_code == 0
    assert [(model_dir / path).read_text() for path in CONFIG_PATHS.values()] == texts
    verified = CliRunner().invoke(cli.app, ["verify", str(checkpoint), str(model_dir / "2" / "model.onnx")])
    assert verified.exit_code == 0


def test_local_engine_finds_the_same_rows_as_with_the_native_operator(model_dir: Path, exported: Exported) -> None:
    native, plugin = OnnxDetector(exported[0]), OnnxDetector(model_dir / "2" / "model.onnx")
    for image in sample_images(exported[1], [], count=3):
        a, b = native.submit(frame_of(image)).result(), plugin.submit(frame_of(image)).result()
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-4)
        np.testing.assert_allclose(a.boxes[:8], b.boxes[:8], atol=0.01)
    native.close()
    plugin.close()


def test_local_engine_names_the_missing_library(model_dir: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(model_dir / "2" / "model.onnx", tmp_path))
    with pytest.raises(DetectorError, match=rf"model\.onnx: needs {LIBRARY} beside it, .*; `make plugin`"):
        OnnxDetector(path)


def test_library_that_is_none(exported: Exported, tmp_path: Path) -> None:
    path = Path(shutil.copy(exported[0], tmp_path / "model.onnx"))
    path.with_name(LIBRARY).write_text("no library")
    with pytest.raises(PluginError, match=rf"{LIBRARY}: ONNX Runtime cannot load it: .*make plugin"):
        OnnxDetector(path)


def test_missing_library_stops_the_export_before_it_begins(checkpoint: Path, tmp_path: Path) -> None:
    arguments = ["model", str(checkpoint), "--output", str(tmp_path / "out"), "--dcn", "plugin"]
    result = CliRunner().invoke(cli.app, [*arguments, "--plugin", str(tmp_path / LIBRARY)])
    assert isinstance(result.exception, PluginError)
    assert "no such library; `make plugin` builds it" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_half_precision_is_refused_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        PluginError, match=r"fp16 on a GPU alone, .* torch .* finds no CUDA device; needed are an NVIDIA"
    ):
        choose_library(tmp_path / LIBRARY, "plugin", "fp16")
    assert choose_library(tmp_path / LIBRARY, "native", "fp16") is None


def test_half_precision_wants_the_library_with_the_gpu_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "missing", lambda: None)
    library = tmp_path / LIBRARY
    library.write_bytes(b"CPUExecutionProvider")
    with pytest.raises(PluginError, match="built without the GPU's kernel; CUDA=ON make plugin"):
        choose_library(library, "plugin", "fp16")
    library.write_bytes(b"CPUExecutionProvider CUDAExecutionProvider")
    assert choose_library(library, "plugin", "fp16") == library
    assert providers(library, "fp16") == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert providers(library, "fp32") == providers(None, "fp16") == ["CPUExecutionProvider"]


def test_half_precision_graph_gives_the_operator_halves_alone(checkpoint: Path, tmp_path: Path) -> None:
    model, recipe = load_model(checkpoint)
    spec = make_spec(model, recipe, width=None, height=None, top_k=16, accuracy="")
    export_onnx(model, spec, tmp_path / "model.onnx", precision="fp16", plugin=True)
    graph = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "model.onnx")).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.output)}
    types |= {constant.name: constant.data_type for constant in graph.initializer}
    nodes = [node for node in graph.node if node.domain == DOMAIN]
    assert len(nodes) == 4
    for node in nodes:
        assert {types[name] for name in (*node.input, *node.output) if name} == {onnx.TensorProto.FLOAT16}


def test_native_export_removes_the_library_of_a_former_one(tmp_path: Path) -> None:
    source, graph = tmp_path / "built.so", tmp_path / "model.onnx"
    source.write_bytes(b"library")
    install(source, graph)
    assert graph.with_name(LIBRARY).read_bytes() == b"library"
    install(None, graph)
    install(None, graph)
    assert not graph.with_name(LIBRARY).exists()
