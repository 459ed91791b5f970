"""Recipes: a short readable TOML file each; everything in it can be overridden on the command line."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mot.documents import parse_toml, read_toml
from mot.errors import MotError, shortened, shown
from training.data.augment import AugmentConfig
from training.losses import LossConfig
from training.scene import Scene

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, kw_only=True)
class EmbeddingConfig:
    """The embedding's own lesson, after the rest is trained: :mod:`training.embedding`."""

    looks: Annotated[int, Field(ge=0)] = 0  # at the training set, augmented anew each time; 0: no such lesson
    passes: Annotated[int, Field(gt=0)] = 10  # over what was seen
    batch_size: Annotated[int, Field(gt=1)] = 512  # people
    lr: Annotated[float, Field(gt=0)] = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3  # of what is read
    scale: Annotated[float, Field(gt=0)] = 48.0  # of the cosines that the classifier compares


class Recipe(BaseModel):
    """One training run. Unknown keys are errors. FairMOT's published schedule by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    architecture: str = "mit_b1"
    width: Annotated[int, Field(gt=0, multiple_of=32)] = 1088
    height: Annotated[int, Field(gt=0, multiple_of=32)] = 608
    export_width: Annotated[int, Field(ge=0, multiple_of=32)] = 0  # of the exported network's input; 0: as trained
    export_height: Annotated[int, Field(ge=0, multiple_of=32)] = 0
    init: Literal["none", "imagenet", "yolox", "rtmdet", "mit", "checkpoint"] = "none"
    init_path: str = ""  # of the file, for the last four; training/weights says which ones are known
    allow_mismatch: bool = False  # start with what fits, where tensors are missing, unknown or of other shapes
    identities_from: tuple[str, ...] | None = None  # data sets whose identities are learned; None: of all
    leave_out: tuple[str, ...] = ()  # data sets that are not trained on: held-out scenes
    dcn: Literal["auto", "torchvision", "grid_sample", "mmcv"] = "auto"

    epochs: Annotated[int, Field(gt=0)] = 30
    batch_size: Annotated[int, Field(gt=0)] = 12  # per process
    accumulate: Annotated[int, Field(gt=0)] = 1  # batches a step
    max_objects: Annotated[int, Field(gt=0)] = 500
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 317
    workers: Annotated[int, Field(ge=0)] = 2
    cache: bool = False  # keep decoded images in memory
    validate_every: Annotated[int, Field(ge=0)] = 1  # epochs, and at the end; 0: never

    optimizer: Literal["adam", "adamw"] = "adam"
    lr: Annotated[float, Field(gt=0)] = 1e-4
    backbone_lr_factor: Annotated[float, Field(ge=0)] = 1.0  # of what published weights are for: RTMDet's head, too
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["step", "cosine"] = "step"
    step_epochs: tuple[int, ...] = (20,)  # the rate falls to a tenth at the end of these
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    clip_norm: Annotated[float, Field(ge=0)] = 0.0  # 0: none
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0  # 0: none

    loss: LossConfig = LossConfig()
    augment: AugmentConfig = AugmentConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    validation: tuple[Scene, ...] = ()

    def images_per_step(self, processes: int) -> int:
        """How many images teach one optimizer step."""
        return self.batch_size * self.accumulate * processes


def load_recipe(name: str, overrides: list[str]) -> Recipe:
    """Read ``recipes/NAME.toml`` (or a path) and apply overrides such as ``lr=2e-4`` or ``augment.mosaic=0.5``.

    An override without a value, ``identities_from=``, gives the setting its default.

    Raises:
        MotError: the recipe is unknown, or a key or value is not allowed; the message names them.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise MotError(f"recipe {name!r} not found ({path}); known recipes: {known}")
    content = read_toml(path, MotError, f"see {RECIPES} for examples")
    return overridden({"name": path.stem, **content}, overrides, str(path))


def overridden(content: dict[str, Any], overrides: Sequence[str], source: str) -> Recipe:
    """A recipe out of a file or a checkpoint, with overrides such as ``lr=2e-4``; ``source`` names it in errors.

    Raises:
        MotError: a key or value is not allowed.
    """
    content = copy.deepcopy(content)
    for override in overrides:
        _apply(content, override)
    return parse_recipe(content, " ".join([source, *overrides]))


def parse_recipe(content: object, source: str) -> Recipe:
    """Validate a recipe that came from a file or a checkpoint; ``source`` names it in errors.

    Raises:
        MotError: naming every wrong key with its value.
    """
    try:
        return TypeAdapter(Recipe).validate_python(content)
    except ValidationError as error:
        faults = [(".".join(map(str, e["loc"])), e["msg"], e["input"]) for e in error.errors()]
        problems = "; ".join(f"{shortened(key)}: {shortened(told)} ({shown(value)})" for key, told, value in faults)
        raise MotError(f"{source}: {problems}") from error


def changes(old: Recipe, new: Recipe) -> list[tuple[str, object, object]]:
    """What differs, as (dotted key, old value, new value)."""
    before, after = flat(old), flat(new)
    return [(key, before[key], after[key]) for key in before if before[key] != after[key]]


def flat(recipe: Recipe) -> dict[str, object]:
    """Every setting by its dotted key, tables resolved."""
    settings: dict[str, object] = {}
    for key, value in recipe.model_dump(mode="json").items():
        tables = {f"{key}.{inner}": v for inner, v in value.items()} if isinstance(value, dict) else {key: value}
        settings |= tables
    return settings


def _apply(content: dict[str, Any], override: str) -> None:
    """Set KEY=VALUE in a recipe's tables; a dotted key goes into a sub-table, KEY= leaves the key out."""
    key, separator, text = override.partition("=")
    if not separator:
        raise MotError(f"override {override!r} is not KEY=VALUE, e.g. lr=2e-4 or augment.mosaic=0.5")
    *tables, last = key.strip().split(".")
    for part in tables:
        content = content.setdefault(part, {})
        if not isinstance(content, dict):
            raise MotError(f"override {override!r}: {part!r} is no table but {content!r}")
    if text.strip():
        content[last] = _value(text.strip())
    else:
        content.pop(last, None)


def _value(text: str) -> object:
    """A TOML value, or the bare text itself."""
    try:
        return parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text
