"""The command ``mot models``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.options import ModelRepository

if TYPE_CHECKING:
    from rich.table import Table

    from client.serving.listing import ListedModel


def models(
    model_repository: ModelRepository = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a line of JSON each.")] = False,
) -> None:
    """List the models that are there: input, size, speed and accuracy as measured, terms.

    What is said of a model stands in its file; `mot-export config` writes it
    there.

    [bold]Examples[/]

    mot models
    mot models --model-repository runs/export --json
    mot track street.mp4 --model fast
    """
    from rich.console import Console

    from client.serving.listing import listed_models
    from client.serving.repository import model_repository as repository_of

    for model in listed_models(repository_of(model_repository)):
        if as_json:
            typer.echo(json.dumps(facts(model), ensure_ascii=False))
        else:
            Console().print(model_table(model))


def facts(model: ListedModel) -> dict[str, object]:
    """What there is to say of a model, by name; nothing of what it does not say itself."""
    spec = model.spec
    known = {
        "name": model.name,
        "size": model.size or "",
        "architecture": spec.architecture,
        "recipe": spec.recipe,
        "input": f"{spec.width}x{spec.height}",
        "people": spec.top_k,
        "file": str(model.graph),
        "megabytes": round(model.graph.stat().st_size / 1e6, 1),
        "speed": spec.speed,
        "accuracy": spec.accuracy,
        "terms": spec.terms,
        **spec.thresholds,
    }
    return {name: value for name, value in known.items() if value != ""}


def model_table(model: ListedModel) -> Table:
    """Its facts below each other: accuracy and terms are sentences."""
    from rich import box
    from rich.table import Table

    title = model.name + (f", --model {model.size}" if model.size else "")
    table = Table(box=box.SIMPLE, title=title, title_justify="left", show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts(model).items():
        if name not in ("name", "size"):
            table.add_row(name, str(value))
    return table
