"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor

from mot.errors import MotError
from training.curves import draw_curves
from training.data.dataset import EpochSampler, Item
from training.data.samples import load_samples
from training.interrupt import deferred_interrupt, undisturbed
from training.loader import Feed
from training.log import Log
from training.optimizer import rate, set_rate
from training.options import check_place
from training.recipe import Recipe
from training.run import Run
from training.step import TrainingStep, backward
from training.threads import Processors
from training.validate import Validation

Progress = Callable[[int, int, dict[str, float]], None]  # step, steps in all, mean terms since the last call
Report = Callable[[str], None]
LOG_EVERY = 10  # steps
# What a power cut may cost: last.pt is written after so many steps or so many seconds, whichever is sooner.
SAVE_EVERY = 200
SAVE_SECONDS = 600.0
# Steps in a row without a finite gradient that end a run. More than 16: fp16's gradient scale starts at 2^16 and
# is halved by each, until it suits the network.
MOST_SKIPPED = 20


def fit(
    recipe: Recipe, data: Path, out: Path, fabric: Fabric, *, resume: bool, progress: Progress, report: Report
) -> Path:
    """Train; returns the last checkpoint, ``out/last.pt``.

    A run that was stopped goes on from ``out/last.pt`` as if it had never stopped: the order of images,
    their augmentation and the schedule depend on the seed and the step alone. It may go on with another
    recipe (more epochs, another rate), as far as :meth:`training.run.Run.load` allows; ``report`` is told.

    Where the recipe has validation scenes, ``out/best.pt`` is the checkpoint that did best in them, by
    :data:`training.scoreboard.CRITERION`.

    Raises:
        MotError: bad data or recipe; ``out`` holds a run and ``resume`` is not set, or the reverse; no finite
            gradient for :data:`MOST_SKIPPED` steps.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP, after the step at hand is done and saved; a note says so.
        Exception: whatever ended the run; a note says whether the steps made so far are saved.
    """
    last = out / "last.pt"
    run, feed = prepare(recipe, data, last, fabric, resume=resume, report=report)
    validation = Validation(run, out, fabric, steps_per_epoch=feed.steps_per_epoch, steps=feed.steps)
    network, optimizer = fabric.setup(TrainingStep(run.model, run.loss), run.optimizer)
    first, skipped, advised = run.step, 0, False
    with (
        Log(out, run.step, fabric, run.log_state) as log,
        deferred_interrupt() as check_interrupt,
        closing(feed.from_step(run.step)) as loaded,  # ends the workers, whatever happens
    ):
        saved, processors = time.monotonic(), Processors()

        def save(*, failed: bool = False) -> None:
            nonlocal saved
            with undisturbed(tell=not failed):
                run.save(last, log.state())
                if fabric.is_global_zero:
                    draw_curves(out)
            saved = time.monotonic()

        try:
            if validation.is_time:  # and was interrupted, when this run stopped here
                validation.take(log, check_interrupt, report)
            for micro_batches in loaded:
                set_rate(optimizer, rate(recipe, run.step, feed.steps, feed.steps_per_epoch))
                terms = learn(run, fabric, network, optimizer, micro_batches)
                log.add(terms, feed.waited)
                skipped = 0 if terms else skipped + 1
                if skipped:
                    note_skipped(run.step, skipped, report)
                if run.step % LOG_EVERY == 0 or run.step == feed.steps:
                    means = log.write(run.step, run.step / feed.steps_per_epoch, optimizer.param_groups[-1]["lr"])
                    progress(run.step, feed.steps, means)
                    # Not of the first rows: in their time the workers start.
                    advice = feed.advice(means["waiting"]) or processors.advice(means["waiting"], fabric.device)
                    if advice and not advised and run.step > first + LOG_EVERY:
                        report(advice)
                        advised = True
                due = run.step % SAVE_EVERY == 0 or any_of(fabric, time.monotonic() - saved > SAVE_SECONDS)
                if validation.is_time or (due and not skipped):
                    save()
                if validation.is_time:
                    validation.take(log, check_interrupt, report)
                stop_together(fabric, check_interrupt)
        except (Exception, KeyboardInterrupt) as error:
            # The steps made so far are kept, whatever ended them; several processes can only meet to stop together.
            together = isinstance(error, KeyboardInterrupt) or fabric.world_size == 1
            made = isinstance(error, KeyboardInterrupt) or run.step > first
            if together and made and not (run.torn or skipped):
                save(failed=True)
                error.add_note(f"{last} is saved, --resume goes on")
            raise
        save()
    return last


def prepare(
    recipe: Recipe, data: Path, last: Path, fabric: Fabric, *, resume: bool, report: Report
) -> tuple[Run, Feed]:
    """A run as it starts or as the checkpoint ``last`` has it, and its data."""
    check_place(last, resume=resume)
    fabric.seed_everything(recipe.seed, verbose=False)
    samples = load_samples(data, recipe.identities_from, leave_out=recipe.leave_out)
    sampler = EpochSampler(len(samples.samples), recipe.batch_size, recipe.seed, fabric.global_rank, fabric.world_size)
    feed = Feed(recipe, samples, sampler, fabric.device)
    if feed.steps == 0:
        together = recipe.images_per_step(fabric.world_size)
        raise MotError(f"{data}: {sampler.size} images are fewer than a step's {together}; lower batch_size")
    run = Run(recipe, samples.identities, fabric, pretrained=not resume)
    if run.initial is not None:
        report(f"initial weights: {run.initial}")
    if resume:
        for change in run.load(last):
            report(f"resuming with another recipe: {change}")
    return run, feed


def learn(
    run: Run, fabric: Fabric, network: Any, optimizer: Any, micro_batches: list[Item]
) -> dict[str, Tensor] | None:
    """Make one step; returns the loss terms, or None where it was skipped, because a gradient was not finite.

    A loss that is no number is noticed by that, too: the gradients of its uncertainties are made of its terms. All
    processes have the same gradients, so they agree.

    Args:
        network, optimizer: the run's, as Fabric wraps them.
    """
    # Stochastic depth draws the same whether or not the run was interrupted, and differently in each process.
    torch.manual_seed(run.recipe.seed * 1_000_003 + run.step + 7919 * fabric.global_rank)
    run.begin_step()
    try:
        terms = backward(fabric, network, micro_batches)
    except BaseException:
        run.forget_step()
        raise
    limit = run.recipe.clip_norm or math.inf
    norm = fabric.clip_gradients(network, optimizer, max_norm=limit, error_if_nonfinite=False)
    assert norm is not None
    finite = bool(norm.isfinite())
    if finite:
        with undisturbed():
            run.torn = True
            optimizer.step()
            run.finish_step()
            run.torn = False
    else:
        run.skip_step()
        scaler = getattr(fabric.strategy.precision, "scaler", None)
        if scaler is not None:  # fp16's; it finds the infinities by itself, and halves its scale
            scaler.update()
    optimizer.zero_grad()
    return terms if finite else None


def note_skipped(step: int, in_a_row: int, report: Report) -> None:
    """Tell of a skipped step.

    Raises:
        MotError: it is one too many.
    """
    if in_a_row == MOST_SKIPPED:
        raise MotError(
            f"step {step}: no finite gradient for {in_a_row} steps, nothing is learned any more; lower lr or set "
            "clip_norm, and resume from the last checkpoint or start again"
        )
    report(f"step {step} was skipped: its gradient is not finite ({in_a_row} in a row; {MOST_SKIPPED} end the run)")


def any_of(fabric: Fabric, wish: bool) -> bool:
    """Whether any process has the wish; the same answer in all of them."""
    if fabric.world_size == 1:
        return wish
    return bool(fabric.all_reduce(torch.tensor(float(wish)), reduce_op="sum"))


def stop_together(fabric: Fabric, check_interrupt: Callable[[], None]) -> None:
    """Raise KeyboardInterrupt in all processes after the same step, where any was asked to stop."""
    asked = False
    try:
        check_interrupt()
    except KeyboardInterrupt:
        asked = True
    if any_of(fabric, asked):
        raise KeyboardInterrupt
