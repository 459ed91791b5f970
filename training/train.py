"""The training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mot.errors import MotError
from training.data.dataset import EpochSampler, Item, TrainingSet
from training.data.labels import DataError, SampleSet, load_samples
from training.interrupt import deferred_interrupt, leave_interrupts_to_parent
from training.log import Log
from training.losses import FairMOTLoss
from training.model.fairmot import FairMOT
from training.optimizer import rate, set_rate
from training.recipe import Recipe
from training.run import Run

Progress = Callable[[int, int, dict[str, float]], None]  # step, steps in all, mean terms since the last call
Report = Callable[[str], None]
LOG_EVERY = 10  # steps
SAVE_EVERY = 200  # steps, a multiple of LOG_EVERY: a loss that is no number is noticed before it is saved


def fit(
    recipe: Recipe, data: Path, out: Path, fabric: Fabric, *, resume: bool, progress: Progress, report: Report
) -> Path:
    """Train; returns the last checkpoint, ``out/last.pt``.

    A run that was stopped goes on from ``out/last.pt`` as if it had never stopped: the order of images,
    their augmentation and the schedule depend on the seed and the step alone. It may go on with another
    recipe (more epochs, another rate), as far as :meth:`training.run.Run.load` allows; ``report`` is told.

    Raises:
        MotError: bad data or recipe; ``out`` holds a run and ``resume`` is not set, or the reverse.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after the step at hand is done and saved.
    """
    last = out / "last.pt"
    run, sampler, loader = prepare(recipe, data, last, fabric, resume=resume, report=report)
    # One module for Fabric: gradients of network and classifier are reduced together across processes.
    network, optimizer = fabric.setup(TrainingStep(run.model, run.loss), run.optimizer)
    steps = recipe.epochs * len(sampler)
    with Log(out, run.step, active=fabric.is_global_zero) as log, deferred_interrupt() as check_interrupt:
        try:
            while run.step < steps:
                sampler.epoch, sampler.first_batch = divmod(run.step, len(sampler))
                for batch in batches(loader, fabric.device):
                    # Stochastic depth draws the same whether or not the run was interrupted.
                    torch.manual_seed(recipe.seed * 1_000_003 + run.step)
                    set_rate(optimizer, rate(recipe, run.step, steps, len(sampler)))
                    terms = network(batch)
                    fabric.backward(terms["loss"])
                    if recipe.clip_norm:
                        fabric.clip_gradients(network, optimizer, max_norm=recipe.clip_norm, error_if_nonfinite=False)
                    optimizer.step()
                    optimizer.zero_grad()
                    run.finish_step()
                    log.add(terms)
                    if run.step % LOG_EVERY == 0 or run.step == steps:
                        means = log.write(run.step, run.step / len(sampler), optimizer.param_groups[-1]["lr"])
                        if not math.isfinite(means["loss"]):
                            raise MotError(f"step {run.step}: the loss is {means['loss']}; lower lr or set clip_norm")
                        progress(run.step, steps, means)
                    if run.step % SAVE_EVERY == 0:
                        run.save(last)
                    check_interrupt()
        except KeyboardInterrupt:
            run.save(last)
            raise
        run.save(last)
    return last


def prepare(
    recipe: Recipe, data: Path, last: Path, fabric: Fabric, *, resume: bool, report: Report
) -> tuple[Run, EpochSampler, DataLoader[Item]]:
    """A run as it starts or as the checkpoint ``last`` has it, and its data."""
    if last.exists() and not resume:
        raise MotError(f"{last} exists; continue that run with --resume or choose another --out")
    if resume and not last.exists():
        raise MotError(f"{last}: no such checkpoint to resume; leave out --resume to start a new run")
    fabric.seed_everything(recipe.seed, verbose=False)
    samples = load_samples(data)
    sampler = EpochSampler(len(samples.samples), recipe.batch_size, recipe.seed, fabric.global_rank, fabric.world_size)
    if len(sampler) == 0:
        together = recipe.batch_size * fabric.world_size
        raise MotError(f"{data}: {sampler.size} images are fewer than a batch of {together}; lower batch_size")
    run = Run(recipe, samples.identities, fabric, pretrained=not resume)
    if resume:
        for change in run.load(last):
            report(f"resuming with another recipe: {change}")
    return run, sampler, make_loader(recipe, samples, sampler, fabric.device)


class TrainingStep(nn.Module):
    """Network and loss as one module."""

    def __init__(self, model: FairMOT, loss: FairMOTLoss) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, batch: Item) -> dict[str, Tensor]:
        """Loss terms by name; ``batch`` holds N stacked items of :class:`training.data.dataset.TrainingSet`."""
        features, logits = self.model(batch["image"].float())
        terms: dict[str, Tensor] = self.loss(self.model, features, logits, batch)
        return terms


def make_loader(recipe: Recipe, samples: SampleSet, sampler: EpochSampler, device: torch.device) -> DataLoader[Item]:
    """Batches in the sampler's order, made by the recipe's number of worker processes."""
    dataset = TrainingSet(
        samples,
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
        worker_init_fn=leave_interrupts_to_parent,
        persistent_workers=recipe.workers > 0,
        pin_memory=device.type == "cuda",
    )


def batches(loader: DataLoader[Item], device: torch.device) -> Iterator[Item]:
    """An epoch's batches on the device.

    Raises:
        DataError: an image cannot be read.
    """
    try:
        for batch in loader:
            yield {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
    except DataError as error:
        # torch puts a worker's traceback around its error; the last line is what the worker raised.
        line = str(error).strip().splitlines()[-1]
        raise DataError(line.removeprefix(f"{DataError.__module__}.{DataError.__qualname__}: ")) from error
