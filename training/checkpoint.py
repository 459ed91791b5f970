"""Checkpoints that hold everything a run needs to go on, and load without running code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mot.errors import MotError
from mot.files import whole_file
from training.model.fairmot import FairMOT
from training.recipe import Recipe, parse_recipe

FORMAT = 1


class CheckpointError(MotError):
    """A checkpoint is missing, damaged, unsafe, or of another architecture."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings and containers of them; whole or not at all."""
    with whole_file(path) as temporary:
        torch.save({"format": FORMAT, **state}, temporary)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of :func:`save_checkpoint`; pickled code is refused.

    Raises:
        CheckpointError: naming the file and what is wrong with it.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises many types for damaged and for unsafe files
        raise CheckpointError(f"{path}: damaged, or not a checkpoint of tensors alone: {error}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else type(state).__name__
        raise CheckpointError(f"{path}: format {found!r}, expected {FORMAT}; it was not written by mot-train fit")
    return state


def load_model(path: Path, architecture: str | None = None) -> tuple[FairMOT, Recipe]:
    """The network of a checkpoint, with averaged weights where the run kept them, and its recipe.

    Raises:
        CheckpointError: also when ``architecture`` is given and the checkpoint is of another one.
    """
    state = load_checkpoint(path)
    recipe = parse_recipe(state["recipe"], str(path))
    if architecture is not None and architecture != recipe.architecture:
        raise CheckpointError(f"{path}: architecture {recipe.architecture!r}, but {architecture!r} was asked for")
    model = FairMOT(recipe.architecture)
    weights = state["ema"] or state["model"]
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: weights do not fit architecture {recipe.architecture!r}: {error}") from error
    return model.eval(), recipe
