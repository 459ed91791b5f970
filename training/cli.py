"""The command ``mot-train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mot.errors import MotError
from training.allocator import keep_freed_memory

app = typer.Typer(help="Train FairMOT models.", no_args_is_help=True, rich_markup_mode="rich")
data_app = typer.Typer(help="Prepare training data.", no_args_is_help=True)
app.add_typer(data_app, name="data")
console = Console()


@app.command()
def fit(
    recipe: Annotated[str, typer.Option(help="Name of a recipe in training/recipes, or a .toml file.")] = "default",
    data: Annotated[Path, typer.Option(help="Data configuration (data.json).")] = Path("runs/data/data.json"),
    out: Annotated[Path, typer.Option(help="Folder of checkpoints and logs.")] = Path("runs/default"),
    arch: Annotated[str | None, typer.Option(help="Another architecture than the recipe's.")] = None,
    override: Annotated[list[str] | None, typer.Option("--set", help="Override, e.g. --set lr=2e-4.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUT/last.pt.")] = False,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="Devices, or processes on a CPU.", min=1)] = 1,
    precision: Annotated[str, typer.Option(help="auto, 32-true, bf16-mixed or 16-mixed.")] = "auto",
) -> None:
    """Train by a recipe; Ctrl-C saves and stops, --resume goes on.

    Example: mot-train fit --recipe default --data runs/data/data.json --out runs/default
    """
    keep_freed_memory()
    import torch
    from lightning.fabric import Fabric

    from training.recipe import load_recipe
    from training.train import fit as run

    overrides = list(override or [])
    if arch is not None:
        overrides.append(f"architecture={arch}")
    resolved = load_recipe(recipe, overrides)
    on_cuda = accelerator in ("auto", "cuda", "gpu") and torch.cuda.is_available()
    if precision == "auto":
        precision = ("bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed") if on_cuda else "32-true"
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision)  # type: ignore[arg-type]
    fabric.launch()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("starting", total=None)

        def show(step: int, steps: int, means: dict[str, float]) -> None:
            terms = " ".join(f"{name} {value:.3f}" for name, value in means.items())
            bar.update(task, completed=step, total=steps, description=terms)
            if not console.is_terminal:
                console.print(f"step {step}/{steps} {terms}")

        last = run(resolved, data, out, fabric, resume=resume, progress=show)
    console.print(f"checkpoint: {last}")


@data_app.command()
def shipped(
    source: Annotated[Path, typer.Argument(help="Folder of the research data.")],
    out: Annotated[Path, typer.Option(help="Where to put the training set.")] = Path("runs/data"),
) -> None:
    """Build the training set of the shipped default model."""
    from training.data.shipped import prepare_shipped

    config = prepare_shipped(source, out, console.print)
    console.print(f"data configuration: {config}")


def main() -> None:
    """Entry point: errors meant for the user are printed, not traced."""
    try:
        app()
    except MotError as error:
        console.print(f"[bold red]error:[/] {error}", highlight=False)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        console.print("stopped; go on with --resume")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
