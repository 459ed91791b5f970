"""The command ``mot-train``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from client import terminal
from client.streams import lasting_streams
from training.allocator import keep_freed_memory
from training.options import CONTEXT, check_place, existing
from training.prepare.cli import data_app

if TYPE_CHECKING:
    import torch

console = Console()

app = typer.Typer(help="Train FairMOT models.", no_args_is_help=True, rich_markup_mode="rich", context_settings=CONTEXT)
app.add_typer(data_app, name="data")


@app.command()
def fit(
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Name of a recipe in training/recipes, or a .toml file; default, if not given.", metavar="NAME"
        ),
    ] = None,
    data: Annotated[Path, typer.Option(help="Data configuration (data.json).")] = Path("runs/data/data.json"),
    output: Annotated[Path, typer.Option(help="Folder of checkpoints and logs.")] = Path("runs/default"),
    arch: Annotated[str | None, typer.Option(help="Another architecture than the recipe's.")] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Override, e.g. --set lr=2e-4; --set lr= is its default.")
    ] = None,
    validate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SEQUENCE[,gt=FILE][,frames=FIRST-LAST][,rules=MOT17]",
            help="A scene to validate in, instead of the recipe's; can be repeated.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUTPUT/last.pt.")] = False,
    accelerator: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute.")] = "auto",
    devices: Annotated[
        int | None, typer.Option(help="Devices of this node, or processes on a CPU; 1 if not given.", min=1)
    ] = None,
    nodes: Annotated[int | None, typer.Option(help="Nodes; 1 if not given.", min=1)] = None,
    precision: Annotated[
        Literal["auto", "32-true", "bf16-mixed", "16-mixed"], typer.Option(help="auto: mixed on CUDA, else fp32.")
    ] = "auto",
) -> None:
    """Train by a recipe; Ctrl-C, SIGTERM and SIGHUP save and stop, --resume goes on.

    A resumed run goes on by its own recipe, as its checkpoint has it. It may have other epochs, rates or augmentation
    where --set says so; they are listed. Architecture, optimizer, images a step, seed and data stay.

    Several processes: --devices 4 starts them; or torchrun does, with mot-train fit's options after -m training.cli
    fit, also on several nodes. The images of a step are batch_size x accumulate x processes.

    Example: mot-train fit --recipe default --data runs/data/data.json --output runs/default

    Example: mot-train fit --validate MOT17/train/MOT17-09-FRCNN,gt=gt_val_half.txt,frames=264-525
    """
    last = output / "last.pt"
    check_place(last, resume=resume)
    existing(data, "data configuration; mot-train data makes one")
    with stopping(last):
        _fit(
            recipe,
            data,
            output,
            [*(override or []), *([] if arch is None else [f"architecture={arch}"])],
            validate or [],
            resume=resume,
            fabric_options=(accelerator, devices, nodes, precision),
        )


@contextmanager
def stopping(last: Path) -> Iterator[None]:
    """A signal ends the command in order, with status 130 and a line that says what is saved."""
    from training.interrupt import signals_interrupt

    with signals_interrupt():
        try:
            yield
        except KeyboardInterrupt as stop:
            saved = getattr(stop, "__notes__", None)
            notes = saved or [
                f"nothing new was made; {last} is as it was" if last.exists() else "nothing was made yet to be saved"
            ]
            leads = os.environ.get("LOCAL_RANK", "0") == "0"
            if leads:
                terminal.errors.print(f"stopped; {notes[0]}", markup=False, highlight=False, soft_wrap=True)
            # Lightning kills the process that leads, which still saves, where another has left with a status.
            raise typer.Exit(130 if leads or not saved else 0) from None


def _fit(
    recipe: str | None,
    data: Path,
    output: Path,
    overrides: list[str],
    scenes: list[str],
    *,
    resume: bool,
    fabric_options: tuple[str, int | None, int | None, str],
) -> None:
    """What :func:`fit` does once its files are there."""
    keep_freed_memory()
    import torch

    from training.checkpoint import resumed_recipe
    from training.devices import make_fabric
    from training.embedding import NoLessonError
    from training.failures import explained
    from training.recipe import changes, load_recipe
    from training.scene import parse_scene
    from training.threads import choose_threads
    from training.train import fit as run

    resolved = resumed_recipe(output / "last.pt", overrides) if resume else load_recipe(recipe or "default", overrides)
    if scenes:
        resolved = resolved.model_copy(update={"validation": tuple(parse_scene(option) for option in scenes)})
    fabric = make_fabric(*fabric_options)
    screen = Console(quiet=not fabric.is_global_zero)
    report = partial(screen.print, markup=False, highlight=False, soft_wrap=True)
    if resume and recipe is not None:
        for key, here, there in changes(resolved, load_recipe(recipe, overrides)):
            report(f"--recipe {recipe} has {key}={there}; the run goes on with {here}, --set {key}=... changes it")
    if fabric.device.type == "cpu" and fabric.world_size == 1:
        most = torch.get_num_threads()
        threads = choose_threads()
        if threads < most:
            report(f"{threads} of {most} threads: more do not pay now; OMP_NUM_THREADS={most} uses them all the same")
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    times = (TimeElapsedColumn(), TextColumn("{task.fields[left]} left"))
    with Progress(*columns, *times, console=screen) as bar:
        task = bar.add_task("starting", total=None, left="?")

        def show_progress(step: int, steps: int, means: dict[str, float]) -> None:
            terms = " ".join(f"{name} {value:.3f}" for name, value in means.items())
            # Of the last interval's pace. Rich's own guess looks at half a minute, in which a large model makes no row.
            left = timedelta(seconds=round((steps - step) * means["seconds"]))
            bar.update(task, completed=step, total=steps, description=terms, left=left)
            if not screen.is_terminal:
                screen.print(f"step {step}/{steps} {terms}, {left} left", soft_wrap=True)

        with explained(resolved):
            last = run(resolved, data, output, fabric, resume=resume, progress=show_progress, report=report)
    report(f"checkpoint: {last}")
    best = output / "best.pt"
    made = best if best.is_file() else last
    if resolved.embedding.looks and fabric.is_global_zero:
        try:
            _teach_embedding(made, data, output / "embedded.pt", [], fabric.device)
            made = output / "embedded.pt"
        except NoLessonError as error:
            report(f"no lesson for the embedding alone: {error}")
    report(f"next: mot-export model {made} --image PICTURE")


@app.command()
def embedding(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of mot-train fit.")],
    output: Annotated[Path, typer.Argument(help="Where to write the one with another embedding.")],
    data: Annotated[Path, typer.Option(help="Data configuration (data.json).")] = Path("runs/data/data.json"),
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Override, e.g. --set embedding.looks=20.")
    ] = None,
    accelerator: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute.")] = "auto",
) -> None:
    """Teach the embedding alone, over a detector that stays what it is; half an hour for the shipped model's.

    mot-train fit does so at its end where the recipe says so, as default does; for other people to know apart, another
    seed, or weights that were released. The same command goes on where it was stopped.

    Example: mot-train embedding runs/default/last.pt runs/default/embedded.pt --data runs/data/data.json
    """
    existing(checkpoint, "checkpoint")
    existing(data, "data configuration; mot-train data makes one")
    with stopping(output):
        keep_freed_memory()
        from training.devices import make_fabric

        _teach_embedding(checkpoint, data, output, override or [], make_fabric(accelerator, 1, 1, "auto").device)
        console.print(f"checkpoint: {output}", markup=False, highlight=False, soft_wrap=True)


def _teach_embedding(checkpoint: Path, data: Path, output: Path, overrides: list[str], device: torch.device) -> None:
    from training.checkpoint import resumed_recipe
    from training.embedding import teach_embedding
    from training.failures import explained

    report = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with (
        Progress(*columns, TimeElapsedColumn(), console=console) as bar,
        explained(resumed_recipe(checkpoint, overrides)),
    ):
        task = bar.add_task("starting", total=None)
        told = ""

        def show_progress(doing: str, done: int, total: int) -> None:
            nonlocal told
            bar.update(task, description=doing, completed=done, total=total)
            stage = doing.partition(":")[0]
            if not console.is_terminal and (stage != told or done == total):
                report(f"{doing}, {done} of {total}")
                told = stage

        teach_embedding(checkpoint, data, output, overrides, device, progress=show_progress, report=report)


@app.command()
def show(checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of mot-train fit.")]) -> None:
    """Print a checkpoint's recipe, step, identities and parameter counts.

    Example: mot-train show runs/default/embedded.pt
    """
    existing(checkpoint, "checkpoint")
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


@app.command("release")
def release_command(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of mot-train fit.")],
    output: Annotated[Path, typer.Argument(help="Where to write the smaller one.")],
    recipe: Annotated[
        str | None, typer.Option(help="Call the run's recipe by the name of one that comes along, if it is the same.")
    ] = None,
) -> None:
    """Write a checkpoint for others: averaged weights alone, and no paths of this machine.

    Example: mot-train release runs/default/embedded.pt training/pretrained/fairmot.pt --recipe default
    """
    existing(checkpoint, "checkpoint")
    from training.release import release

    kept = release(checkpoint, output, recipe)
    size = output.stat().st_size / 1e6
    console.print(f"{output}: {size:.1f} MB, recipe {kept.name}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def weights(
    file: Annotated[Path, typer.Argument(help="A published weight file, or a checkpoint.")],
    arch: Annotated[str, typer.Option(help="Architecture that it is for.")] = "mit_b1",
    init: Annotated[
        Literal["mit", "checkpoint", "yolox", "rtmdet"], typer.Option(help="What the recipe's init would say.")
    ] = "mit",
) -> None:
    """Print which tensors of a weight file a network would start with; status 1 unless all match.

    Example: mot-train weights mit_b1.pth --arch mit_b1
    """
    existing(file, "file; it should hold a network's weights")
    from training.model.networks import make_network
    from training.recipe import Recipe
    from training.weights.initial import initialise

    recipe = Recipe(name="weights", architecture=arch, init=init, init_path=str(file), allow_mismatch=True)
    report = initialise(make_network(arch), recipe)
    assert report is not None
    for kind in ("missing", "unexpected", "misshapen", "unused"):
        for name in getattr(report, kind):
            console.print(f"{kind:<11}{name}", markup=False, highlight=False, soft_wrap=True)
    console.print(str(report), markup=False, highlight=False, soft_wrap=True)
    if not report.complete:
        raise typer.Exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: errors meant for the user are printed, not traced; status 1."""
    with lasting_streams(), terminal.errors_shown(), terminal.warnings_shown():
        app(arguments, prog_name="mot-train")


if __name__ == "__main__":
    main()
