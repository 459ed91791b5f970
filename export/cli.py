"""The command ``mot-export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from client.terminal import show
from export.library import BUILT
from mot.contract import ModelSpec
from mot.errors import MotError

app = typer.Typer(help="Export checkpoints to ONNX and Triton.", no_args_is_help=True, rich_markup_mode="rich")
console = Console()

REPOSITORY = Path(__file__).resolve().parents[1] / "model_repository" / "fairmot"
Images = Annotated[list[Path] | None, typer.Option("--image", help="Real images for the parity check; repeatable.")]


@app.command()
def model(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of mot-train fit.")],
    output: Annotated[Path, typer.Option(help="Model directory of a Triton repository.")] = REPOSITORY,
    version: Annotated[int, typer.Option(help="Model version, the folder's number.", min=1)] = 1,
    arch: Annotated[str | None, typer.Option(help="Refuse checkpoints of another architecture.")] = None,
    width: Annotated[int | None, typer.Option(help="Input width; by default the recipe's.")] = None,
    height: Annotated[int | None, typer.Option(help="Input height; by default the recipe's.")] = None,
    top_k: Annotated[int, typer.Option(help="People per image at most; 500 for crowds.", min=1)] = 128,
    passes: Annotated[
        str, typer.Option(help="Steps that make the graph faster: all, portable (for TensorRT, too), or none.")
    ] = "all",
    no_pass: Annotated[list[str] | None, typer.Option(help="Leave one of them out; repeatable.")] = None,
    precision: Annotated[Literal["fp32", "fp16"], typer.Option(help="fp16 is for GPUs.")] = "fp32",
    dcn: Annotated[
        Literal["native", "plugin"], typer.Option(help="Deformable convolutions: ONNX's own, or the faster plugin's.")
    ] = "native",
    plugin: Annotated[Path, typer.Option(help="The plugin's library; `make plugin` builds it.")] = BUILT,
    accuracy: Annotated[str, typer.Option(help="Measured accuracy with its protocol, kept in the file.")] = "",
    image: Images = None,
) -> None:
    """Write OUTPUT/VERSION/model.onnx, model.py and both configurations, if ONNX Runtime agrees with PyTorch.

    Example: mot-export model runs/default/last.pt --image street.jpg
    """
    from export.library import choose_library, install, providers
    from export.passes.plan import choose
    from export.to_onnx import export_onnx, make_spec
    from export.triton.config import write_model_dir
    from export.verify import LIMITS, compare, parity_table, require, sample_images
    from mot.files import whole_file
    from training.checkpoint import load_model

    chosen = choose(passes, no_pass or ())
    library = choose_library(plugin, dcn, precision)
    network, recipe = load_model(checkpoint, arch)
    spec = make_spec(network, recipe, width=width, height=height, top_k=top_k, accuracy=accuracy)
    images = sample_images(spec, image or [])
    destination = output / str(version) / "model.onnx"
    limits = LIMITS[precision]
    with whole_file(destination) as candidate:
        with console.status(f"exporting {spec.architecture} at {spec.width}x{spec.height}"):
            changed = export_onnx(
                network, spec, candidate, passes=chosen, precision=precision, plugin=library is not None
            )
            results = compare(network, candidate, spec, images, limits, library, providers(library, precision))
        console.print(", ".join(f"{name} {count}" for name, count in changed.items()) or "no passes")
        console.print(parity_table(results, limits))
        require(results, limits, destination)
        install(library, destination)
    write_model_dir(output, version, spec, library is not None)
    console.print(f"{destination}: {destination.stat().st_size / 1e6:.1f} MB")


@app.command()
def config(
    output: Annotated[Path, typer.Argument(help="Model directory of a Triton repository.")] = REPOSITORY,
    version: Annotated[int, typer.Option(help="Model version to read the contract from.", min=1)] = 1,
) -> None:
    """Write Triton's configurations again from what the ONNX file says of itself."""
    from export.library import needed_by
    from export.triton.config import write_configs

    path = output / str(version) / "model.onnx"
    spec = read_spec(path)
    write_configs(output, spec, version=version, plugin=needed_by(path) is not None)
    console.print(f"{output}/config.pbtxt and configs/local.pbtxt from {path}")


@app.command()
def verify(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint the model was exported from.")],
    onnx_model: Annotated[Path, typer.Argument(help="The exported file.")] = REPOSITORY / "1" / "model.onnx",
    image: Images = None,
) -> None:
    """Compare an exported model with its checkpoint again, on images of your own."""
    from export.library import needed_by, providers
    from export.verify import LIMITS, compare, parity_table, read_precision, require, sample_images
    from training.checkpoint import load_model

    spec = read_spec(onnx_model)
    precision, library = read_precision(onnx_model), needed_by(onnx_model)
    limits = LIMITS[precision]
    network, _ = load_model(checkpoint, spec.architecture)
    images = sample_images(spec, image or [])
    results = compare(network, onnx_model, spec, images, limits, library, providers(library, precision))
    console.print(parity_table(results, limits))
    require(results, limits, onnx_model)


def read_spec(path: Path) -> ModelSpec:
    """The contract of an ONNX file, through the same checks as the client's."""
    from client.detection.onnx import OnnxDetector

    detector = OnnxDetector(path, workers=1)
    detector.close()
    return detector.spec


def main() -> None:
    """Entry point: errors meant for the user are printed, not traced."""
    try:
        app()
    except MotError as error:
        show("error", str(error))
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
