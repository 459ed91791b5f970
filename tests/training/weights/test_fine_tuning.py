from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric

from training.checkpoint import load_checkpoint
from training.recipe import parse_recipe
from training.train import fit


def run(data: Path, out: Path, **settings: Any) -> tuple[dict[str, Any], list[str]]:
    """Train for an epoch of two steps; the checkpoint, and what the user was told."""
    tiny = {"name": "tiny", "architecture": "yolox_nano", "width": 96, "height": 64, "batch_size": 5, "epochs": 1}
    recipe = parse_recipe(tiny | {"max_objects": 8, "workers": 0, "step_epochs": []} | settings, "test")
    told: list[str] = []
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    last = fit(recipe, data, out, fabric, resume=False, progress=lambda *_: None, report=told.append)
    return load_checkpoint(last), told


def test_a_run_goes_on_from_another_runs_averaged_weights(people: Path, tmp_path: Path) -> None:
    """With other identities, hence a new classifier; at a rate near zero the weights stay what they were given."""
    first, told = run(people, tmp_path / "first", ema_decay=0.5, lr=1e-2)
    assert not [line for line in told if "initial weights" in line]
    path = tmp_path / "first/last.pt"
    second, told = run(
        people, tmp_path / "second", init="checkpoint", init_path=str(path), identities_from=[], lr=1e-12
    )
    tensors = len(first["model"])
    expected = f"initial weights: {path} (yolox_nano, step 2, averaged weights): {tensors} of {tensors} tensors match"
    assert expected in told
    assert (first["identities"], second["identities"]) == (3, 0)
    weights = [name for name in first["ema"] if name.endswith(("weight", "bias")) and "norm" not in name]
    assert all(torch.allclose(second["model"][name], first["ema"][name], atol=1e-8) for name in weights)
    assert not all(torch.allclose(first["model"][name], first["ema"][name], atol=1e-8) for name in weights)
    assert second["recipe"]["init_path"] == str(path)
