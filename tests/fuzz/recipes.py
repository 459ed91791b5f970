"""Recipes of training."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.mutation import TEXT, in_utf16
from tests.fuzz.target import Target, check_finite
from training.recipe import RECIPES, Recipe, flat, load_recipe

_SEEDS = tuple(path.read_bytes() for path in sorted(RECIPES.glob("*.toml")))


def _recipe(path: Path) -> None:
    _checked(load_recipe(str(path), []))
    _checked(load_recipe(str(path), ["lr=2e-4", "augment.mosaic=0.5"]))


def _checked(recipe: Recipe) -> None:
    for key, value in flat(recipe).items():
        if isinstance(value, float):
            check_finite(value)
        assert key
    assert recipe.width % 32 == recipe.height % 32 == 0 and min(recipe.epochs, recipe.batch_size) > 0


RECIPE = Target(name="recipe", file="mine.toml", seeds=_SEEDS, reads=(_recipe,), mutations=(*TEXT, in_utf16))
TARGETS = (RECIPE,)
