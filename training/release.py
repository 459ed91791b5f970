"""A checkpoint for others: the averaged weights alone, and a recipe without this machine's paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mot.errors import MotError
from training.checkpoint import load_checkpoint, model_of, save_checkpoint
from training.recipe import Recipe, changes, load_recipe

_OF_THE_MACHINE = ("init_path", "validation", "validate_every", "workers", "cache")


def release(checkpoint: Path, output: Path, recipe: str | None = None) -> Recipe:
    """Write what another run starts from and an export needs; a fraction of the size of what a run is resumed from.

    Args:
        recipe: the name of one that comes along, by which the run's is called from now on; None: as it was called.

    Returns:
        The recipe as it is kept.

    Raises:
        MotError: the checkpoint cannot be read, the output cannot be written, or the recipe is another one.
    """
    state = load_checkpoint(checkpoint)
    _, run = model_of(state, checkpoint)  # refuses weights that do not fit
    if recipe is not None:
        run = _renamed(run, recipe, checkpoint)
    run = run.model_copy(update={"init_path": Path(run.init_path).name, "validation": ()})
    released: dict[str, Any] = {
        "recipe": run.model_dump(mode="json"),
        "step": state["step"],
        "identities": state["identities"],
        "model": state["ema"] or state["model"],
        "ema": {},
    }
    save_checkpoint(output, released)
    return run


def _renamed(run: Recipe, name: str, checkpoint: Path) -> Recipe:
    named = load_recipe(name, [])
    differing = [
        f"{key} {here!r} -> {there!r}"
        for key, here, there in changes(run, named)
        if key != "name" and not key.startswith(_OF_THE_MACHINE)
    ]
    if differing:
        raise MotError(f"{checkpoint}: its recipe is not {name!r}: {', '.join(differing)}; leave --recipe out")
    return run.model_copy(update={"name": named.name})
