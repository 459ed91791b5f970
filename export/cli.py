"""The command ``mot-export``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from client.streams import lasting_streams
from client.terminal import errors_shown, warnings_shown
from mot.contract import MODEL_NAME, REMARKS, THRESHOLDS
from training.options import CONTEXT, existing

if TYPE_CHECKING:
    from export.export import Notes
    from export.parity import Comparison

app = typer.Typer(
    help="Export checkpoints to ONNX and Triton.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings=CONTEXT,
)
console = Console()

OUTPUT = Path("runs/export") / MODEL_NAME
Images = Annotated[list[Path] | None, typer.Option("--image", help="Real images for the parity check; repeatable.")]
Accuracy = Annotated[str | None, typer.Option(help="Measured accuracy with its protocol, kept in the file.")]
Speed = Annotated[str | None, typer.Option(help="Measured speed with its hardware, the same.")]
Terms = Annotated[str | None, typer.Option(help="What the weights may be used for, the same.")]
Thresholds = Annotated[
    str | None,
    typer.Option(
        metavar="NEW,HIGH,LOW",
        help="Scores that suit the model, kept in the file for trackers: from which somebody is new, is matched first, "
        "and is still matched.",
    ),
]


@app.command()
def model(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of mot-train fit.")],
    output: Annotated[
        Path,
        typer.Option(
            help="Model directory of a Triton repository: REPOSITORY/fairmot, or fairmot_fast, fairmot_accurate."
        ),
    ] = OUTPUT,
    version: Annotated[int, typer.Option(help="Model version, the folder's number.", min=1)] = 1,
    arch: Annotated[str | None, typer.Option(help="Refuse checkpoints of another architecture.")] = None,
    width: Annotated[int | None, typer.Option(help="Input width; by default what the recipe exports.")] = None,
    height: Annotated[int | None, typer.Option(help="Input height; by default what the recipe exports.")] = None,
    top_k: Annotated[int, typer.Option(help="People per image at most; 500 for crowds.", min=1)] = 128,
    passes: Annotated[
        str, typer.Option(help="Steps that make the graph faster: all, portable (for TensorRT, too), or none.")
    ] = "all",
    no_pass: Annotated[list[str] | None, typer.Option(help="Leave one of them out; repeatable.")] = None,
    precision: Annotated[Literal["fp32", "fp16"], typer.Option(help="fp16 is for GPUs.")] = "fp32",
    dcn: Annotated[
        Literal["native", "plugin"], typer.Option(help="Deformable convolutions: ONNX's own, or the faster plugin's.")
    ] = "native",
    plugin: Annotated[
        Path | None, typer.Option(help="The plugin's library; by default where `make plugin` builds it.")
    ] = None,
    accuracy: Accuracy = None,
    speed: Speed = None,
    terms: Terms = None,
    thresholds: Thresholds = None,
    image: Images = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that stands there.")] = False,
) -> None:
    """Write OUTPUT/VERSION/model.onnx, model.py and both configurations, if ONNX Runtime agrees with PyTorch.

    Example: mot-export model runs/default/embedded.pt --image street.jpg
    """
    for path, kind in ((checkpoint, "checkpoint"), *((each, "image") for each in image or ())):
        existing(path, kind)
    from export.export import Export, export_model
    from export.library import BUILT, choose_library
    from export.passes.plan import choose

    export = Export(
        checkpoint=checkpoint,
        output=output,
        version=version,
        architecture=arch,
        width=width,
        height=height,
        top_k=top_k,
        passes=choose(passes, no_pass or ()),
        precision=precision,
        library=choose_library(plugin or BUILT, dcn, precision),
        notes=noted(accuracy, speed, terms, thresholds),
        images=image or [],
        overwrite=overwrite,
    )
    with parity_shown(), console.status(f"exporting {checkpoint}"):
        exported = export_model(export)
    console.print(", ".join(f"{name} {count}" for name, count in exported.changed.items()) or "no passes")
    print_parity(exported.comparison)
    say(f"{exported.graph}: {exported.graph.stat().st_size / 1e6:.1f} MB")
    say(f"next: mot track VIDEO --model-repository {output.parent}")


@app.command()
def config(
    output: Annotated[
        Path,
        typer.Argument(
            help="Model directory of a Triton repository: REPOSITORY/fairmot, or fairmot_fast, fairmot_accurate."
        ),
    ] = OUTPUT,
    version: Annotated[int, typer.Option(help="Model version to read the contract from.", min=1)] = 1,
    accuracy: Accuracy = None,
    speed: Speed = None,
    terms: Terms = None,
    thresholds: Thresholds = None,
) -> None:
    """Write Triton's configurations again from what the ONNX file says of itself, or shall say from now on."""
    existing(output / str(version) / "model.onnx", "model file; mot-export model writes one")
    from export.export import rewrite_configs

    graph = rewrite_configs(output, version, noted(accuracy, speed, terms, thresholds))
    say(f"{output}/config.pbtxt and configs/local.pbtxt from {graph}")


@app.command()
def verify(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint the model was exported from.")],
    onnx_model: Annotated[Path, typer.Argument(help="The exported file.")] = OUTPUT / "1" / "model.onnx",
    image: Images = None,
) -> None:
    """Compare an exported model with its checkpoint again, on images of your own."""
    for path, kind in (
        (checkpoint, "checkpoint"),
        (onnx_model, "model file; mot-export model writes one"),
        *((each, "image") for each in image or ()),
    ):
        existing(path, kind)
    from export.export import verify_model

    comparison = verify_model(checkpoint, onnx_model, image or [])
    print_parity(comparison)
    comparison.require(onnx_model)


def noted(accuracy: str | None, speed: str | None, terms: str | None, thresholds: str | None) -> Notes:
    """What the options say of a model; those that were not given leave it as it is.

    Raises:
        typer.BadParameter: as :func:`parse_thresholds`.
    """
    from export.export import Notes

    given = dict(zip(REMARKS, (accuracy, speed, terms), strict=True))
    remarks = {name: text for name, text in given.items() if text is not None}
    return Notes(remarks=remarks, thresholds=parse_thresholds(thresholds))


def parse_thresholds(text: str | None) -> dict[str, float]:
    """``0.5,0.3,0.2`` by name.

    Raises:
        typer.BadParameter: it is something else.
    """
    if text is None:
        return {}
    try:
        scores = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} are no scores", param_hint="--thresholds") from error
    if len(scores) != len(THRESHOLDS) or not all(0 <= score <= 1 for score in scores):
        raise typer.BadParameter(f"{text!r} are not three scores between 0 and 1", param_hint="--thresholds")
    return dict(zip(THRESHOLDS, scores, strict=True))


@contextmanager
def parity_shown() -> Iterator[None]:
    """Where a graph is refused, print what was found before the error."""
    from export.parity import ParityError

    try:
        yield
    except ParityError as error:
        print_parity(error.comparison)
        raise


def print_parity(comparison: Comparison) -> None:
    """Print the table."""
    from export.table import parity_table

    console.print(parity_table(comparison))


def say(message: str) -> None:
    """Print a line as it is, so that a path in it can be copied."""
    console.print(message, highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Entry point: errors meant for the user are printed, not traced."""
    with lasting_streams(), errors_shown(), warnings_shown():
        app(prog_name="mot-export")


if __name__ == "__main__":
    main()
