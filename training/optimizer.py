"""The optimizer's parameter groups, the learning rate's course, and the average of the weights."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from training.model.networks import Network
from training.objective import Objective
from training.recipe import Recipe


def make_optimizer(recipe: Recipe, model: Network, loss: Objective) -> torch.optim.Optimizer:
    """What comes with published weights and the rest with their own rates; no decay on biases, norms, uncertainties.

    The order is part of the checkpoint's format.
    """
    published = [p for name in model.published_parts for p in model.get_submodule(name).parameters()]
    rest: list[nn.Parameter] = []
    for name, part in model.named_children():
        if name not in model.published_parts:
            rest += part.parameters()
        if name == "neck":
            rest += loss.parameters()
    groups: list[dict[str, Any]] = []
    for parameters, factor in ((published, recipe.backbone_lr_factor), (rest, 1.0)):
        for decayed in (True, False):
            groups.append(
                {
                    "params": [p for p in parameters if (p.ndim > 1) == decayed],
                    "lr": recipe.lr * factor,
                    "base_lr": recipe.lr * factor,  # what the course below is a fraction of
                    "weight_decay": recipe.weight_decay if decayed else 0.0,
                }
            )
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(groups)


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take over the moments; rates and decay stay as the recipe has them, so that it may change on resuming.

    Raises:
        ValueError: the state is of other parameters.
    """
    settings = [(group["base_lr"], group["weight_decay"]) for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, (base, decay) in zip(optimizer.param_groups, settings, strict=True):
        group["base_lr"], group["weight_decay"] = base, decay


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Every group's learning rate, as a fraction of its own base."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


def rate(recipe: Recipe, step: int, steps: int, steps_per_epoch: int) -> float:
    """The learning rate's factor at a step: warm-up, then steps of ten or half a cosine down to 1 %."""
    warm = min(1.0, (step + 1) / recipe.warmup_steps) if recipe.warmup_steps else 1.0
    if recipe.schedule == "cosine":
        return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    return warm * 0.1 ** sum(step >= epoch * steps_per_epoch for epoch in recipe.step_epochs)


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the weights; early on faster, so that it forgets the random start.

    Floating-point buffers (BatchNorm's statistics) are averaged too, counters copied.
    """
    decay = min(decay, (1 + step) / (10 + step))
    for average, value in zip(ema.state_dict().values(), model.state_dict().values(), strict=True):
        if average.is_floating_point():
            average.lerp_(value.to(average.dtype), 1 - decay)
        else:
            average.copy_(value)
