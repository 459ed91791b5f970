"""What export/tensorrt.sh asks of docker, with a program of that name that notes its arguments; no engine is built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import onnx
import pytest

from export.passes.plan import PORTABLE
from export.passes.plugin_dcn import DOMAIN, use_plugin
from export.to_onnx import PRECISION_KEY, export_onnx, make_spec
from mot.contract import ModelSpec
from training.checkpoint import load_model

SCRIPT = Path(__file__).resolve().parents[2] / "export/tensorrt.sh"
IMAGE = "registry.test/tensorrt:1"

pytestmark = pytest.mark.skipif(
    not (SCRIPT.parents[1] / ".venv/bin/python").exists(), reason="the script reads graphs with .venv's Python"
)


@pytest.fixture(scope="module")
def half(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The graph that the script's header asks for."""
    model, recipe = load_model(checkpoint)
    spec = make_spec(model, recipe, width=None, height=None, top_k=16, accuracy="")
    path = tmp_path_factory.mktemp("half") / "model.onnx"
    export_onnx(model, spec, path, passes=PORTABLE, precision="fp16")
    return path


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the tools that the script needs but docker."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "dirname", "basename", "mkdir"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def add_docker(programs: Path) -> Path:
    """A `docker` that writes its arguments to the file returned, one a line."""
    arguments = programs / "docker.arguments"
    docker = programs / "docker"
    docker.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{arguments}'\n")
    docker.chmod(0o755)
    return arguments


def build(programs: Path, *arguments: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("IMAGE", "MAX_BATCH")}
    return subprocess.run(
        [SCRIPT, *arguments],
        env={**kept, "PATH": str(programs), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("more", "largest"), [({}, "8"), ({"MAX_BATCH": "32"}, "32")], ids=["default", "batch of 32"])
def test_trtexec_gets_graph_types_and_shapes(
    half: Path, programs: Path, tmp_path: Path, more: dict[str, str], largest: str
) -> None:
    arguments = add_docker(programs)
    engine = tmp_path / "new folder" / "model.plan"
    done = build(programs, half, engine, IMAGE=IMAGE, **more)
    assert done.returncode == 0, done.stderr
    assert engine.parent.is_dir()
    assert arguments.read_text().splitlines() == [
        *("run", "--rm", "--gpus", "all"),
        *("-v", f"{half.parent}:/graph:ro", "-v", f"{engine.parent}:/engine"),
        *(IMAGE, "trtexec", "--onnx=/graph/model.onnx", "--saveEngine=/engine/model.plan", "--stronglyTyped"),
        *("--minShapes=image:1x64x96x3", "--optShapes=image:1x64x96x3", f"--maxShapes=image:{largest}x64x96x3"),
    ]


def test_fp16_portable_graph_is_what_tensorrt_reads(half: Path) -> None:
    """ONNX's operators; uint8 into a cast alone; deformable convolutions with a mask and equal opposite pads."""
    graph = onnx.load(half).graph
    assert {node.domain for node in graph.node} == {""}
    assert [node.op_type for node in graph.node if "image" in node.input] == ["Cast"]
    deform = [node for node in graph.node if node.op_type == "DeformConv"]
    assert deform
    for node in deform:
        assert len(node.input) == 5
        (top, left, bottom, right) = next(tuple(a.ints) for a in node.attribute if a.name == "pads")
        assert (top, left) == (bottom, right)


def test_graph_of_the_plugin_is_refused(half: Path, programs: Path, tmp_path: Path) -> None:
    graph = onnx.load(half)
    use_plugin(graph)
    onnx.save(graph, tmp_path / "plugin.onnx")
    refused(programs, tmp_path / "plugin.onnx", f"has operators of {DOMAIN}; export it with --passes portable")


def test_fp32_graph_is_refused(exported: tuple[Path, ModelSpec], programs: Path) -> None:
    refused(programs, exported[0], "is fp32, and an engine has its graph's types; export it with .*--precision fp16")


def test_graph_without_precision_is_refused(half: Path, programs: Path, tmp_path: Path) -> None:
    graph = onnx.load(half)
    kept = [entry for entry in graph.metadata_props if entry.key != PRECISION_KEY]
    del graph.metadata_props[:]
    graph.metadata_props.extend(kept)
    onnx.save(graph, tmp_path / "old.onnx")
    refused(programs, tmp_path / "old.onnx", "is of unknown precision")


def test_what_is_no_graph_is_refused(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a graph")
    refused(programs, tmp_path / "text.onnx", r"text\.onnx is no ONNX file")
    refused(programs, tmp_path / "missing.onnx", r"missing\.onnx: no such graph; mot-export writes it")


def test_missing_image_name_docker_or_argument(half: Path, programs: Path, tmp_path: Path) -> None:
    engine = tmp_path / "model.plan"
    assert "docker is missing" in build(programs, half, engine, IMAGE=IMAGE).stderr
    assert "IMAGE is not set" in build(programs, half, engine).stderr
    assert "usage: IMAGE=" in build(programs, half, IMAGE=IMAGE).stderr


def refused(programs: Path, graph: Path, message: str) -> None:
    """One line of error, and docker was not called."""
    arguments = add_docker(programs)
    done = build(programs, graph, graph.with_name("model.plan"), IMAGE=IMAGE)
    assert done.returncode == 1
    assert re.search(message, done.stderr), done.stderr
    assert done.stderr.startswith("tensorrt.sh: ")
    assert done.stderr.count("\n") == 1
    assert not arguments.exists()
