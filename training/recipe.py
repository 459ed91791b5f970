"""Recipes: a short readable TOML file each; everything in it can be overridden on the command line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mot.errors import MotError
from training.data.augment import AugmentConfig
from training.losses import LossConfig

RECIPES = Path(__file__).parent / "recipes"


class Recipe(BaseModel):
    """One training run. Unknown keys are errors. FairMOT's published schedule by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    architecture: str = "mit_b1"
    width: Annotated[int, Field(gt=0, multiple_of=32)] = 1088
    height: Annotated[int, Field(gt=0, multiple_of=32)] = 608
    init: Literal["none", "imagenet", "yolox"] = "none"
    init_path: str = ""  # of the published file, for "yolox"
    dcn: Literal["auto", "torchvision", "grid_sample", "mmcv"] = "auto"

    epochs: Annotated[int, Field(gt=0)] = 30
    batch_size: Annotated[int, Field(gt=0)] = 12  # per process
    max_objects: Annotated[int, Field(gt=0)] = 500
    seed: int = 317
    workers: Annotated[int, Field(ge=0)] = 2
    cache: bool = False  # keep decoded images in memory

    optimizer: Literal["adam", "adamw"] = "adam"
    lr: Annotated[float, Field(gt=0)] = 1e-4
    backbone_lr_factor: Annotated[float, Field(ge=0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["step", "cosine"] = "step"
    step_epochs: tuple[int, ...] = (20,)  # the rate falls to a tenth at the end of these
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    clip_norm: Annotated[float, Field(ge=0)] = 0.0  # 0: none
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0  # 0: none

    loss: LossConfig = LossConfig()
    augment: AugmentConfig = AugmentConfig()


def load_recipe(name: str, overrides: list[str]) -> Recipe:
    """Read ``recipes/NAME.toml`` (or a path) and apply overrides such as ``lr=2e-4`` or ``augment.mosaic=0.5``.

    Raises:
        MotError: the recipe is unknown, or a key or value is not allowed; the message names them.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise MotError(f"recipe {name!r} not found ({path}); known recipes: {known}")
    try:
        content = tomllib.loads(path.read_text())
        for override in overrides:
            key, separator, text = override.partition("=")
            if not separator:
                raise MotError(f"override {override!r} is not KEY=VALUE")
            *tables, last = key.strip().split(".")
            table = content
            for part in tables:
                table = table.setdefault(part, {})
            table[last] = _value(text.strip())
    except tomllib.TOMLDecodeError as error:
        raise MotError(f"{path}: {error}") from error
    return parse_recipe({"name": path.stem, **content}, str(path))


def parse_recipe(content: object, source: str) -> Recipe:
    """Validate a recipe that came from a file or a checkpoint."""
    try:
        return TypeAdapter(Recipe).validate_python(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']} ({e['input']!r})" for e in error.errors())
        raise MotError(f"{source}: {problems}") from error


def _value(text: str) -> object:
    """A TOML value, or the bare text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
