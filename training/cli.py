"""The command ``mot-train``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from client import terminal
from mot.errors import MotError
from training.allocator import keep_freed_memory

if TYPE_CHECKING:  # torch takes seconds to import; --help should not wait for it
    from lightning.fabric import Fabric

console = Console()

app = typer.Typer(help="Train FairMOT models.", no_args_is_help=True, rich_markup_mode="rich")
data_app = typer.Typer(help="Prepare training data.", no_args_is_help=True)
app.add_typer(data_app, name="data")


@app.command()
def fit(
    recipe: Annotated[str, typer.Option(help="Name of a recipe in training/recipes, or a .toml file.")] = "default",
    data: Annotated[Path, typer.Option(help="Data configuration (data.json).")] = Path("runs/data/data.json"),
    out: Annotated[Path, typer.Option(help="Folder of checkpoints and logs.")] = Path("runs/default"),
    arch: Annotated[str | None, typer.Option(help="Another architecture than the recipe's.")] = None,
    override: Annotated[list[str] | None, typer.Option("--set", help="Override, e.g. --set lr=2e-4.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUT/last.pt.")] = False,
    accelerator: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute.")] = "auto",
    devices: Annotated[int, typer.Option(help="Devices, or processes on a CPU.", min=1)] = 1,
    precision: Annotated[
        Literal["auto", "32-true", "bf16-mixed", "16-mixed"], typer.Option(help="auto: mixed on CUDA, else fp32.")
    ] = "auto",
) -> None:
    """Train by a recipe; Ctrl-C saves and stops, --resume goes on.

    A resumed run may have other epochs, rates or augmentation; they are listed. Architecture, optimizer,
    batch size, seed and data stay.

    Example: mot-train fit --recipe default --data runs/data/data.json --out runs/default
    """
    keep_freed_memory()
    from training.recipe import load_recipe
    from training.train import fit as run

    resolved = load_recipe(recipe, [*(override or []), *([] if arch is None else [f"architecture={arch}"])])
    fabric = _fabric(accelerator, devices, precision)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    screen = Console(quiet=not fabric.is_global_zero)
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=screen) as bar:
        task = bar.add_task("starting", total=None)

        def show_progress(step: int, steps: int, means: dict[str, float]) -> None:
            terms = " ".join(f"{name} {value:.3f}" for name, value in means.items())
            bar.update(task, completed=step, total=steps, description=terms)
            if not screen.is_terminal:
                screen.print(f"step {step}/{steps} {terms}", soft_wrap=True)

        try:
            last = run(resolved, data, out, fabric, resume=resume, progress=show_progress, report=screen.print)
        except KeyboardInterrupt:
            terminal.errors.print(
                f"stopped; {out / 'last.pt'} is saved, --resume goes on", highlight=False, soft_wrap=True
            )
            raise typer.Exit(130) from None
    screen.print(f"checkpoint: {last}", highlight=False, soft_wrap=True)


def _fabric(accelerator: str, devices: int, precision: str) -> Fabric:
    """Devices and precision; processes other than this one are started here."""
    import torch
    from lightning.fabric import Fabric

    on_cuda = accelerator != "cpu" and torch.cuda.is_available()
    if accelerator == "cuda" and not on_cuda:
        raise MotError("--accelerator cuda: no CUDA device is visible here; use --accelerator cpu or auto")
    if on_cuda and devices > torch.cuda.device_count():
        raise MotError(f"--devices {devices}: {torch.cuda.device_count()} CUDA devices are visible here")
    if precision == "auto":
        precision = ("bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed") if on_cuda else "32-true"
    # Not "auto" itself, which would take an accelerator that the network was never tried on.
    fabric = Fabric(accelerator="cuda" if on_cuda else "cpu", devices=devices, precision=precision)  # type: ignore[arg-type]
    fabric.launch()
    return fabric


@app.command()
def show(checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of mot-train fit.")]) -> None:
    """Print a checkpoint's recipe, step, identities and parameter counts.

    Example: mot-train show runs/default/last.pt
    """
    from training.checkpoint import load_checkpoint, model_of
    from training.recipe import flat

    state = load_checkpoint(checkpoint)
    model, recipe = model_of(state, checkpoint)
    table = Table("", str(checkpoint))
    for key, value in flat(recipe).items():
        table.add_row(key, str(value))
    table.add_section()
    table.add_row("step", str(state["step"]))
    table.add_row("identities", str(state["identities"]))
    table.add_row("averaged weights", "yes" if state["ema"] else "no")
    table.add_section()
    for name, part in model.named_children():
        table.add_row(f"parameters of {name}", f"{sum(p.numel() for p in part.parameters()):,}")
    table.add_row("parameters", f"{sum(p.numel() for p in model.parameters()):,}")
    console.print(table)


@data_app.command()
def shipped(
    source: Annotated[Path, typer.Argument(help="Folder of the research data.")],
    out: Annotated[Path, typer.Option(help="Where to put the training set.")] = Path("runs/data"),
) -> None:
    """Build the training set of the shipped default model."""
    from training.data.shipped import prepare_shipped

    config = prepare_shipped(source, out, console.print)
    console.print(f"data configuration: {config}", highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: errors meant for the user are printed, not traced; status 1."""
    try:
        app(arguments, prog_name="mot-train")
    except MotError as error:
        terminal.show("error", str(error))
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
