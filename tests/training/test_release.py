"""training.release: a checkpoint for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mot.errors import MotError
from tests.training.runs import recipe
from training.checkpoint import load_checkpoint, load_model, save_checkpoint
from training.model.networks import make_network
from training.recipe import load_recipe
from training.release import release

VALIDATION = [{"sequence": "/home/me/MOT17-09", "frames": [264, 525]}]


def write(path: Path, content: dict[str, Any]) -> Path:
    """A run's checkpoint, whose averaged weights are others than the last."""
    weights = make_network(content["architecture"]).state_dict()
    ema = {name: tensor + 1 for name, tensor in weights.items()}
    state = {"recipe": content, "step": 7, "identities": 3, "model": weights, "ema": ema, "optimizer": {"large": 1}}
    save_checkpoint(path, state)
    return path


def test_averaged_weights_alone_and_no_paths(tmp_path: Path) -> None:
    run = recipe(init="yolox", init_path="/home/me/yolox_nano.onnx", validation=VALIDATION)
    path = write(tmp_path / "last.pt", run.model_dump(mode="json"))
    kept = release(path, tmp_path / "out/small.pt")
    assert (kept.name, kept.init_path, kept.validation) == ("tiny", "yolox_nano.onnx", ())
    assert b"/home/me" not in (tmp_path / "out/small.pt").read_bytes()
    before, after = load_checkpoint(path), load_checkpoint(tmp_path / "out/small.pt")
    assert (after["step"], after["identities"], after["ema"]) == (7, 3, {}) and "optimizer" not in after
    assert all(torch.equal(after["model"][name], tensor) for name, tensor in before["ema"].items())
    assert load_model(tmp_path / "out/small.pt")[1] == kept


def test_the_name_of_a_recipe_that_is_the_same_but_for_the_machines_own(tmp_path: Path) -> None:
    run = load_recipe("default", ["init_path=/home/me/start.onnx", "workers=3", "validate_every=5"])
    path = write(tmp_path / "last.pt", {**run.model_dump(mode="json"), "name": "another"})
    assert release(path, tmp_path / "small.pt", "default").name == "default"


def test_another_recipe_is_not_renamed(tmp_path: Path) -> None:
    run = load_recipe("default", ["lr=0.5", "augment.paste=0.0"])
    path = write(tmp_path / "last.pt", run.model_dump(mode="json"))
    with pytest.raises(MotError, match=r"recipe is not 'default': lr 0\.5 -> .*augment\.paste 0\.0 -> .*; leave"):
        release(path, tmp_path / "small.pt", "default")
    assert not (tmp_path / "small.pt").exists()
