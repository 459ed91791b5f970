"""A run's changing state: what a checkpoint holds and a resumed run takes up again."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from lightning.fabric import Fabric
from torch import Tensor

from training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from training.model.networks import Network, make_network
from training.objective import make_loss
from training.optimizer import load_optimizer, make_optimizer, update_ema
from training.recipe import Recipe, changes, parse_recipe
from training.weights.initial import initialise

# What a half-done run cannot change: the weights' and moments' meaning, and the order of the images. Of the
# images a step, only the product stays: a run may move to other devices with another accumulate.
FIXED = ("architecture", "optimizer", "seed")


class Run:
    """Network, loss (classifier and uncertainties), optimizer, averaged weights, and the step they stand at."""

    def __init__(self, recipe: Recipe, identities: int, fabric: Fabric, *, pretrained: bool) -> None:
        """Build everything on Fabric's device.

        Args:
            pretrained: load the initial weights that the recipe names; a run to be resumed needs none.

        Raises:
            MotError: these weights are missing or do not fit.
        """
        self.recipe = recipe
        self.identities = identities
        self.step = 0
        self._fabric = fabric
        self.model = make_network(recipe.architecture, dcn=recipe.dcn)
        self.initial = initialise(self.model, recipe) if pretrained else None
        self.loss = make_loss(self.model, recipe.loss, identities)
        # On the device before the optimizer exists: restored moments follow their parameters there.
        self.model.to(fabric.device)
        self.loss.to(fabric.device)
        self.optimizer = make_optimizer(recipe, self.model, self.loss)
        self.ema = copy.deepcopy(self.model).requires_grad_(False) if recipe.ema_decay else None
        self.log_state: dict[str, Any] | None = None  # of a resumed run, see training.log.Log
        self._buffers: list[Tensor] = []
        self.torn = False  # within an update: weights belong to no step

    @property
    def averaged(self) -> Network:
        """The weights that are validated and exported."""
        return self.model if self.ema is None else self.ema

    def begin_step(self) -> None:
        """Remember what the forward pass changes already."""
        self._buffers = [buffer.clone() for buffer in self.model.buffers()]

    def finish_step(self) -> None:
        """Count an optimizer step and average its weights."""
        if self.ema is not None:
            update_ema(self.ema, self.model, self.recipe.ema_decay, self.step)
        self.step += 1

    def skip_step(self) -> None:
        """Count a step that teaches nothing: BatchNorm forgets it too, or its infinities would stay for ever."""
        self.forget_step()
        self.step += 1

    def forget_step(self) -> None:
        """Take back what a forward pass has changed."""
        for buffer, before in zip(self.model.buffers(), self._buffers, strict=True):
            buffer.copy_(before)

    def save(self, path: Path, log_state: dict[str, Any]) -> None:
        """Write the checkpoint, from the first process alone.

        Raises:
            CheckpointError: it cannot be written; an older file under the name stays whole.
        """
        if not self._fabric.is_global_zero:
            return
        state = {
            "recipe": self.recipe.model_dump(mode="json"),
            "step": self.step,
            "processes": self._fabric.world_size,
            "identities": self.identities,
            "model": self.model.state_dict(),
            "loss": self.loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict() if self.ema is not None else {},
            "precision": self._fabric.strategy.precision.state_dict(),  # fp16's gradient scale; else empty
            "log": log_state,
        }
        save_checkpoint(path, state)

    def load(self, path: Path) -> list[str]:
        """Take up a checkpoint; returns what the recipe changed since, for the user to read.

        Raises:
            CheckpointError: it is missing or damaged, does not fit, or something of :data:`FIXED` changed.
        """
        state = load_checkpoint(path)
        missing = {"loss", "optimizer"} - state.keys()
        if missing:
            raise CheckpointError(f"{path}: {', '.join(sorted(missing))} missing; it can be exported, but not resumed")
        self._check_same_run(path, state)
        try:
            self.model.load_state_dict(state["model"])
            self.loss.load_state_dict(state["loss"])
            load_optimizer(self.optimizer, state["optimizer"])
            if self.ema is not None:
                self.ema.load_state_dict(state["ema"])
            self._fabric.strategy.precision.load_state_dict(state.get("precision") or {})
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(f"{path}: does not fit this recipe: {error}") from error
        self.step = int(state["step"])
        self.log_state = state.get("log")
        return [
            f"{key}: {old} -> {new}" for key, old, new in changes(parse_recipe(state["recipe"], str(path)), self.recipe)
        ]

    def _check_same_run(self, path: Path, state: dict[str, Any]) -> None:
        remedy = "start a new run with another --output, or set it back"
        before = parse_recipe(state["recipe"], str(path))
        for key, old, new in changes(before, self.recipe):
            if key in FIXED:
                raise CheckpointError(f"{path}: {key} was {old!r} and is now {new!r}; {remedy}")
        together = (
            before.images_per_step(state.get("processes", 1)),
            self.recipe.images_per_step(self._fabric.world_size),
        )
        if together[0] != together[1]:
            raise CheckpointError(
                f"{path}: batch_size x accumulate x processes was {together[0]} and is now {together[1]}; {remedy}"
            )
        if bool(state["ema"]) != (self.ema is not None):
            raise CheckpointError(f"{path}: ema_decay cannot be switched on or off in mid-run; {remedy}")
        if state["identities"] != self.identities:
            raise CheckpointError(
                f"{path}: the run knows {state['identities']} identities, the data {self.identities}; "
                "resume with the data it was started with"
            )
