"""The training loop."""

from __future__ import annotations

import copy
import csv
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from mot.errors import MotError
from training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from training.data.dataset import EpochSampler, TrainingSet
from training.data.labels import load_samples
from training.losses import FairMOTLoss
from training.model.csp import CSPDarknetPAFPN
from training.model.efficientnet import EfficientNetLite0
from training.model.fairmot import FairMOT
from training.recipe import Recipe

Progress = Callable[[int, int, dict[str, float]], None]  # step, steps in all, mean terms since the last call
LOG_EVERY = 10
SAVE_EVERY = 200  # steps


def fit(recipe: Recipe, data: Path, out: Path, fabric: Fabric, *, resume: bool, progress: Progress) -> Path:
    """Train; returns the last checkpoint, ``out/last.pt``.

    A run that was stopped goes on from ``out/last.pt`` as if it had never stopped: the order of images,
    their augmentation and the schedule depend on the seed and the step alone.

    Raises:
        MotError: bad data or recipe; ``out`` holds another run and ``resume`` is not set.
    """
    last = out / "last.pt"
    if last.exists() and not resume:
        raise MotError(f"{last} exists; continue that run with --resume or choose another --out")
    fabric.seed_everything(recipe.seed, verbose=False)
    sample_set = load_samples(data)
    sampler = EpochSampler(
        len(sample_set.samples), recipe.batch_size, recipe.seed, fabric.global_rank, fabric.world_size
    )
    if len(sampler) == 0:
        raise MotError(f"{data}: {sampler.size} images are fewer than a batch of {recipe.batch_size}")
    loader = make_loader(recipe, sample_set, sampler, fabric)
    model = FairMOT(recipe.architecture, dcn=recipe.dcn)
    initialise(model, recipe)
    loss_module = FairMOTLoss(recipe.loss, model.config.embedding_dim, sample_set.identities)
    optimizer = make_optimizer(recipe, model, loss_module)
    ema = copy.deepcopy(model).requires_grad_(False) if recipe.ema_decay else None
    step = 0
    if resume and last.exists():
        step = restore(last, recipe, model, loss_module, optimizer, ema)
    # One module for Fabric: gradients of network and classifier are reduced together across processes.
    network = fabric.to_device(TrainingStep(model, loss_module))
    network, optimizer = fabric.setup(network, optimizer)
    if ema is not None:
        fabric.to_device(ema)
    steps = recipe.epochs * len(sampler)
    log = Log(out, step, fabric.is_global_zero)

    def save(path: Path) -> None:
        state = {
            "recipe": recipe.model_dump(mode="json"),
            "step": step,
            "identities": sample_set.identities,
            "model": model.state_dict(),
            "loss": loss_module.state_dict(),
            "optimizer": optimizer.state_dict(),
            "ema": ema.state_dict() if ema is not None else {},
        }
        if fabric.is_global_zero:
            save_checkpoint(path, state)

    try:
        while step < steps:
            sampler.epoch, sampler.first_batch = divmod(step, len(sampler))
            for batch in loader:
                # Dropout and stochastic depth: the same draws whether or not the run was interrupted.
                torch.manual_seed(recipe.seed * 1_000_003 + step)
                for group in optimizer.param_groups:
                    group["lr"] = group["base_lr"] * rate(recipe, step, steps, len(sampler))
                terms = network({key: value.to(fabric.device, non_blocking=True) for key, value in batch.items()})
                fabric.backward(terms["loss"])
                if recipe.clip_norm:
                    fabric.clip_gradients(network, optimizer, max_norm=recipe.clip_norm, error_if_nonfinite=False)
                optimizer.step()
                optimizer.zero_grad()
                if ema is not None:
                    update_ema(ema, model, recipe.ema_decay, step)
                step += 1
                log.add(terms)
                if step % LOG_EVERY == 0 or step == steps:
                    progress(step, steps, log.write(step, step / len(sampler), optimizer.param_groups[0]["lr"]))
                if step % SAVE_EVERY == 0:
                    save(last)
        save(last)
    except KeyboardInterrupt:
        save(last)
        raise
    finally:
        log.close()
    return last


class TrainingStep(nn.Module):
    """Network and loss as one module."""

    def __init__(self, model: FairMOT, loss: FairMOTLoss) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        features, logits = self.model(batch["image"].float())
        terms: dict[str, Tensor] = self.loss(self.model, features, logits, batch)
        return terms


def make_loader(recipe: Recipe, sample_set: Any, sampler: EpochSampler, fabric: Fabric) -> DataLoader[Any]:
    dataset = TrainingSet(
        sample_set,
        width=recipe.width,
        height=recipe.height,
        max_objects=recipe.max_objects,
        augment=recipe.augment,
        seed=recipe.seed,
        cache=recipe.cache,
    )
    return DataLoader(
        dataset,
        batch_sampler=sampler,
        num_workers=recipe.workers,
        persistent_workers=recipe.workers > 0,
        pin_memory=fabric.device.type == "cuda",
    )


def initialise(model: FairMOT, recipe: Recipe) -> None:
    """Pretrained backbone weights, where the recipe wants them."""
    backbone = model.backbone
    if recipe.init == "imagenet":
        if not isinstance(backbone, EfficientNetLite0):
            raise MotError(f"no ImageNet weights for {recipe.architecture!r} here; set init='none'")
        backbone.load_imagenet()
    elif recipe.init == "yolox":
        if not isinstance(backbone, CSPDarknetPAFPN):
            raise MotError(f"YOLOX weights do not fit {recipe.architecture!r}; set init='none'")
        backbone.load_yolox_onnx(Path(recipe.init_path))


def make_optimizer(recipe: Recipe, model: FairMOT, loss: FairMOTLoss) -> torch.optim.Optimizer:
    """Backbone and the rest with their own rates; no weight decay on biases, norms and uncertainties."""
    groups = []
    rest = [*model.neck.parameters(), *loss.parameters()]
    for head in (model.heatmap, model.box, model.offset, model.embedding):
        rest += head.parameters()
    for parameters, factor in ((list(model.backbone.parameters()), recipe.backbone_lr_factor), (rest, 1.0)):
        for decayed in (True, False):
            chosen = [p for p in parameters if (p.ndim > 1) == decayed]
            base = recipe.lr * factor
            groups.append(
                {
                    "params": chosen,
                    "lr": base,
                    "base_lr": base,
                    "weight_decay": recipe.weight_decay if decayed else 0.0,
                }
            )
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(groups)


def rate(recipe: Recipe, step: int, steps: int, steps_per_epoch: int) -> float:
    """The learning rate's factor at a step: warm-up, then steps of ten or half a cosine down to 1 %."""
    warm = min(1.0, (step + 1) / recipe.warmup_steps) if recipe.warmup_steps else 1.0
    if recipe.schedule == "cosine":
        return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    return warm * 0.1 ** sum(step >= epoch * steps_per_epoch for epoch in recipe.step_epochs)


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the weights; early on faster, so that it forgets the random start."""
    decay = min(decay, (1 + step) / (10 + step))
    for average, value in zip(ema.state_dict().values(), model.state_dict().values(), strict=True):
        if average.is_floating_point():
            average.lerp_(value.to(average.dtype), 1 - decay)
        else:
            average.copy_(value)


def restore(
    path: Path,
    recipe: Recipe,
    model: FairMOT,
    loss: FairMOTLoss,
    optimizer: torch.optim.Optimizer,
    ema: nn.Module | None,
) -> int:
    """Load a run's whole state; returns the step it stands at."""
    state = load_checkpoint(path)
    if state["recipe"]["architecture"] != recipe.architecture:
        raise CheckpointError(
            f"{path}: architecture {state['recipe']['architecture']!r}, the recipe says {recipe.architecture!r}"
        )
    try:
        model.load_state_dict(state["model"])
        loss.load_state_dict(state["loss"])
        optimizer.load_state_dict(state["optimizer"])
        if ema is not None:
            ema.load_state_dict(state["ema"])
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path}: does not fit this recipe and data: {error}") from error
    return int(state["step"])


class Log:
    """Means of the loss terms to ``log.csv`` and TensorBoard."""

    def __init__(self, out: Path, step: int, active: bool) -> None:
        self.active = active
        self.sums: dict[str, Tensor] = {}
        self.count = 0
        self.started = time.perf_counter()
        if not active:
            return
        out.mkdir(parents=True, exist_ok=True)
        path = out / "log.csv"
        kept = [row for row in csv.DictReader(path.open()) if int(row["step"]) <= step] if path.exists() else []
        self.columns = ["step", "epoch", "lr", "loss", "heatmap", "box", "offset", "identity", "seconds"]
        self.file = path.open("w", newline="")
        self.writer = csv.DictWriter(self.file, self.columns)
        self.writer.writeheader()
        self.writer.writerows(kept)
        self.board = SummaryWriter(str(out / "tensorboard"))

    def add(self, terms: dict[str, Tensor]) -> None:
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, torch.zeros((), device=value.device)) + value.detach()
        self.count += 1

    def write(self, step: int, epoch: float, lr: float) -> dict[str, float]:
        """Close the interval since the last call; returns its means and seconds a step."""
        means = {name: float(total) / self.count for name, total in self.sums.items()}
        now = time.perf_counter()
        means["seconds"] = (now - self.started) / self.count
        self.sums, self.count, self.started = {}, 0, now
        if self.active:
            row = {"step": step, "epoch": f"{epoch:.3f}", "lr": f"{lr:.3g}"}
            self.writer.writerow(row | {name: f"{value:.5g}" for name, value in means.items()})
            self.file.flush()
            for name, value in means.items():
                self.board.add_scalar(name, value, step)
        return means

    def close(self) -> None:
        if self.active:
            self.file.close()
            self.board.close()
