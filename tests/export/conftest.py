"""A small checkpoint of each kind and its exports, made once for all tests here."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch

from mot.contract import ModelSpec
from training.checkpoint import save_checkpoint
from training.model.fairmot import FairMOT
from training.recipe import Recipe


def write_checkpoint(path: Path, architecture: str) -> Path:
    """An untrained network whose heatmap is steep enough to have peaks with distinct scores."""
    torch.manual_seed(0)
    model = FairMOT(architecture)
    with torch.no_grad():
        model.heatmap.out.weight.mul_(20)
        for name, parameter in model.named_parameters():
            if "conv_offset" in name:  # bend the sampling, as training does
                parameter.add_(0.05 * torch.randn_like(parameter))
            elif parameter.ndim == 1:  # biases and norms, which start as zeros and ones
                parameter.add_(0.1 * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            if "running_mean" in name:
                buffer.add_(0.1 * torch.randn_like(buffer))
            elif "running_var" in name:
                buffer.mul_(0.5 + torch.rand_like(buffer))
    recipe = Recipe(name="tiny", architecture=architecture, width=96, height=64)
    save_checkpoint(
        path,
        {"recipe": recipe.model_dump(mode="json"), "step": 0, "identities": 1, "model": model.state_dict(), "ema": {}},
    )
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "last.pt", "yolox_nano")


@pytest.fixture(scope="session")
def mit_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("mit") / "last.pt", "mit_b0")


@pytest.fixture(scope="session")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelSpec]:
    from export.to_onnx import export_onnx, make_spec
    from training.checkpoint import load_model

    model, recipe = load_model(checkpoint)
    spec = make_spec(model, recipe, width=None, height=None, top_k=16, accuracy="none: untrained")
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(model, spec, path)
    return path, spec


@pytest.fixture(scope="session")
def plain_graphs(
    checkpoint: Path, mit_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, onnx.ModelProto]:
    """Architecture -> its graph without any pass."""
    from export.to_onnx import export_onnx, make_spec
    from training.checkpoint import load_model

    graphs = {}
    for source in (checkpoint, mit_checkpoint):
        model, recipe = load_model(source)
        spec = make_spec(model, recipe, width=None, height=None, top_k=16, accuracy="")
        path = tmp_path_factory.mktemp("plain") / "model.onnx"
        assert export_onnx(model, spec, path, passes=()) == {}
        graphs[model.architecture] = onnx.load(path)
    return graphs
