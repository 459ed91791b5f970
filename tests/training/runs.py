"""Tiny runs of the training loop, and what they leave behind."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric

from training import train
from training.checkpoint import load_checkpoint
from training.recipe import Recipe, parse_recipe


def recipe(**settings: Any) -> Recipe:
    """Three steps an epoch over the ten drawn images, everything on that draws at random."""
    content = {
        "name": "tiny",
        "architecture": "yolox_nano",
        "width": 96,
        "height": 64,
        "batch_size": 3,
        "epochs": 3,
        "max_objects": 8,
        "workers": 0,
        "optimizer": "adamw",
        "lr": 2e-3,
        "weight_decay": 0.01,
        "warmup_steps": 3,
        "schedule": "cosine",
        "clip_norm": 10.0,
        "ema_decay": 0.9,
        "augment": {"mosaic": 0.3, "grey": 0.2, "blur": 0.2},
    }
    return parse_recipe(content | settings, "test")


def train_on_cpu(
    given: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    stop_at: int | None = None,
    report: Callable[[str], None] = print,
    fabric: Fabric | None = None,
) -> Path:
    """Train on the CPU; raise KeyboardInterrupt from the progress callback after step ``stop_at``."""

    def progress(step: int, _steps: int, _means: dict[str, float]) -> None:
        if step == stop_at:
            raise KeyboardInterrupt

    fabric = fabric or Fabric(accelerator="cpu", devices=1, precision="32-true")
    return train.fit(given, data, out, fabric, resume=resume, progress=progress, report=report)


def losses(out: Path) -> list[float]:
    with (out / "log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def logged(out: Path) -> list[dict[str, str]]:
    """The rows of the log without their times."""
    with (out / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in ("seconds", "waiting")} for row in csv.DictReader(file)]


def tensors(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of a checkpoint by its path."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)  # type: ignore[assignment]
    else:
        return {path: value}
    return {key: leaf for name, inner in items for key, leaf in tensors(inner, f"{path}/{name}").items()}


def assert_equal(a: Path, b: Path, but: str = " ") -> None:
    """Bit for bit: weights, moments, averages, step, recipe; all paths that do not begin with ``but``."""
    first, second = (
        {key: leaf for key, leaf in tensors(load_checkpoint(path)).items() if not key.startswith(but)}
        for path in (a, b)
    )
    assert first.keys() == second.keys()
    different = [
        key
        for key, value in first.items()
        if not (torch.equal(value, second[key]) if isinstance(value, torch.Tensor) else value == second[key])
    ]
    assert different == []
