"""The command ``mot trackers``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.options import Model, ModelRepository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table


def trackers(
    name: Annotated[str | None, typer.Argument(metavar="TRACKER", help="By default all of them.")] = None,
    model: Model = None,
    model_repository: ModelRepository = None,
) -> None:
    """List the trackers' settings: meaning, what they may be, and defaults.

    Thresholds suit the model, unless --tracker-preset is paper, or people are
    found elsewhere (--detections).

    [bold]Examples[/]

    mot trackers                      all
    mot trackers byte                 one
    mot trackers byte --model runs/export/fairmot
    mot track a.mp4 --tracker byte --tracker-set track_buffer=60
    """
    from rich.console import Console

    from client.tracking import TRACKERS, TrackerError

    if name is not None and name not in TRACKERS:
        raise TrackerError(f"there is no tracker {name!r}; choose one of {', '.join(TRACKERS)}")
    thresholds, console = _thresholds(model, model_repository), Console()
    for one in [name] if name else TRACKERS:
        console.print(settings_table(one, thresholds))


def settings_table(name: str, thresholds: Mapping[str, float]) -> Table:
    """Every setting of a tracker, for a model with these thresholds."""
    from rich import box
    from rich.table import Table

    from client.tracking import TRACKERS, settings_of
    from client.tracking.preset import defaults_for

    suited = defaults_for(TRACKERS[name], thresholds)
    table = Table(box=box.SIMPLE_HEAD, title=name)
    table.add_column("setting", no_wrap=True)
    table.add_column("default", no_wrap=True)
    table.add_column("meaning, and what it may be")
    for one in settings_of(TRACKERS[name]):
        default = _text(suited.get(one.name, one.default))
        if default != _text(one.default):
            default += f" (paper: {_text(one.default)})"
        table.add_row(one.name, default, f"{one.meaning}; {one.allowed}")
    return table


def _text(value: float | bool | None) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else f"{value:g}"


def _thresholds(model: str | None, model_repository: Path | None) -> Mapping[str, float]:
    """Of the model that `mot track` would run with these options.

    Raises:
        MotError: there is no such model.
    """
    from client.jobs.resolving import model_thresholds_of
    from client.serving.model import choose_model, graph_of
    from client.serving.repository import model_repository as repository_of

    choice = choose_model(model)
    repository = choice.repository or repository_of(model_repository)
    return model_thresholds_of(choice.graph or graph_of(repository, choice.name))
