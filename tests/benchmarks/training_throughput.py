"""Images a second that a recipe learns from, and the share of the time that steps wait for data.

    python tests/benchmarks/training_throughput.py --recipe default --batch 8 --workers 1 2
    python tests/benchmarks/training_throughput.py --recipe mot17_mit_b1 --accelerator cuda --batch 12 24 --workers 8 16

The real loop's step and loader, from the first image file to the updated weights; initial weights are random, which
costs the same. A row for each batch size and number of workers. "at most" is the rate if steps never waited.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import torch
from lightning.fabric import Fabric
from rich.console import Console
from rich.table import Table

from training.allocator import keep_freed_memory
from training.devices import make_fabric
from training.optimizer import rate, set_rate
from training.recipe import Recipe, load_recipe
from training.step import TrainingStep
from training.train import learn, prepare

COLUMNS = ("batch", "workers", "images/s", "at most", "seconds a step", "waiting", "GPU memory, GiB")


def measure(recipe: Recipe, data: Path, fabric: Fabric, warm: int, steps: int) -> dict[str, float]:
    """One row: ``steps`` steps after ``warm`` ones, in which workers start and the cache fills."""
    with tempfile.TemporaryDirectory() as folder:
        run, feed = prepare(recipe, data, Path(folder) / "last.pt", fabric, resume=False, report=lambda _: None)
    network, optimizer = fabric.setup(TrainingStep(run.model, run.loss), run.optimizer)
    waited = 0.0
    begun = time.perf_counter()
    for micro_batches in feed.from_step(0):
        if run.step == warm:
            begun, waited = time.perf_counter(), 0.0
            if fabric.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
        else:
            waited += feed.waited
        set_rate(optimizer, rate(recipe, run.step, feed.steps, feed.steps_per_epoch))
        learn(run, fabric, network, optimizer, micro_batches)  # it reads the gradient's norm, so the device is done
        if run.step == warm + steps:
            break
    seconds = time.perf_counter() - begun
    images = steps * recipe.images_per_step(1)
    return {
        "batch": recipe.batch_size,
        "workers": recipe.workers,
        "images/s": images / seconds,
        "at most": images / (seconds - waited),
        "seconds a step": seconds / steps,
        "waiting": waited / seconds,
        "GPU memory, GiB": torch.cuda.max_memory_allocated() / 2**30 if fabric.device.type == "cuda" else 0.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--data", type=Path, default=Path("runs/data/data.json"))
    parser.add_argument("--accelerator", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("auto", "32-true", "bf16-mixed", "16-mixed"), default="auto")
    parser.add_argument("--batch", type=int, nargs="+", help="batch sizes; the recipe's")
    parser.add_argument("--workers", type=int, nargs="+", help="numbers of workers; the recipe's")
    parser.add_argument("--warm", type=int, default=10, help="steps before the measurement")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of mot-train fit")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    options = parser.parse_args()
    keep_freed_memory()
    # As many epochs as the steps can need; they change nothing else.
    given = load_recipe(options.recipe, [*options.set, "init=none", "schedule=step", "epochs=100000"])
    fabric = make_fabric(options.accelerator, 1, 1, options.precision)
    rows = []
    for batch, workers in itertools.product(options.batch or [given.batch_size], options.workers or [given.workers]):
        recipe = given.model_copy(update={"batch_size": batch, "workers": workers})
        rows.append(measure(recipe, options.data, fabric, options.warm, options.steps))
    on_cuda = fabric.device.type == "cuda"
    about = {
        "recipe": given.name,
        "architecture": given.architecture,
        "input": f"{given.width}x{given.height}",
        "precision": fabric.strategy.precision.precision,
        "device": torch.cuda.get_device_name() if on_cuda else f"{platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "date": datetime.date.today().isoformat(),
    }
    table = Table(*COLUMNS, title=", ".join(about.values()))
    for row in rows:
        cells = [f"{row[name]:.0f}" for name in COLUMNS[:2]]
        table.add_row(*cells, *(f"{row[n]:.1f}" for n in COLUMNS[2:4]), *(f"{row[n]:.2f}" for n in COLUMNS[4:]))
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
