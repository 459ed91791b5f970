"""Checkpoints that hold everything a run needs to go on, and load without running code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from mot.errors import MotError
from mot.files import whole_file
from training.model.networks import Network, make_network
from training.recipe import Recipe, overridden, parse_recipe

FORMAT = 1
# What every checkpoint holds; "ema" is empty where weights are not averaged. One that a run can be resumed from
# holds "loss", "optimizer" and "precision" too.
KEYS = ("recipe", "step", "identities", "model", "ema")


class CheckpointError(MotError):
    """A checkpoint is missing, damaged, unsafe, of another architecture, or cannot be written."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings and containers of them, at least :data:`KEYS`; whole or not at all.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written.
    """
    try:
        with whole_file(path) as temporary:
            torch.save({"format": FORMAT, **state}, temporary)
    except (OSError, RuntimeError) as error:  # torch's own writer raises RuntimeError
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path}: cannot be written ({reason}); is the disk full, or the folder read-only?"
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of :func:`save_checkpoint`; pickled code is refused.

    Raises:
        CheckpointError: naming the file and what is wrong with it.
    """
    return check_content(read_pickle(path), path)


def read_pickle(path: Path, safe: Sequence[Callable[..., Any] | tuple[Callable[..., Any], str]] = ()) -> object:
    """Read any file of ``torch.save``; pickled code is refused.

    Args:
        safe: what else than tensors, numbers and containers may be made; as ``torch.serialization.safe_globals``.

    Raises:
        CheckpointError: missing, damaged or unsafe.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    try:
        with torch.serialization.safe_globals(list(safe)):
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for damaged and for unsafe files
        # Not torch's message: it advises to load the file unsafely.
        raise CheckpointError(
            f"{path}: damaged, or holds more than tensors and numbers ({type(error).__name__}); it was not loaded. "
            "If you trust it, save its state_dict alone with the program that made it"
        ) from error
    return content


def check_content(content: object, path: Path) -> dict[str, Any]:
    """What was read, if :func:`save_checkpoint` wrote it.

    Raises:
        CheckpointError: another program or version did; ``path`` is for the message.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise CheckpointError(f"{path}: format {found!r}, expected {FORMAT}; it was not written by mot-train fit")
    missing = [key for key in KEYS if key not in content]
    if missing:
        raise CheckpointError(f"{path}: {', '.join(missing)} missing; it was not written by mot-train fit")
    return content


def resumed_recipe(path: Path, overrides: Sequence[str]) -> Recipe:
    """The recipe that a run to be resumed was started with, and overrides where they are given.

    Raises:
        MotError: the checkpoint cannot be read, or an override is not allowed.
    """
    return overridden(load_checkpoint(path)["recipe"], overrides, str(path))


def load_model(path: Path, architecture: str | None = None) -> tuple[Network, Recipe]:
    """The network of a checkpoint, with averaged weights where the run kept them, and its recipe.

    Raises:
        CheckpointError: also when ``architecture`` is given and the checkpoint is of another one.
    """
    return model_of(load_checkpoint(path), path, architecture)


def model_of(state: dict[str, Any], path: Path, architecture: str | None = None) -> tuple[Network, Recipe]:
    """:func:`load_model` of a checkpoint that is read already; ``path`` names it in errors."""
    recipe = parse_recipe(state["recipe"], str(path))
    if architecture is not None and architecture != recipe.architecture:
        raise CheckpointError(f"{path}: architecture {recipe.architecture!r}, but {architecture!r} was asked for")
    model = make_network(recipe.architecture)
    try:
        model.load_state_dict(state["ema"] or state["model"])
    except RuntimeError as error:
        raise CheckpointError(f"{path}: weights do not fit architecture {recipe.architecture!r}: {error}") from error
    return model.eval(), recipe
