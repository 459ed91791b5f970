"""The command ``mot sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sample(
    folder: Annotated[
        Path | None, typer.Option(help="Where to put it; by default the user's cache folder.", show_default=False)
    ] = None,
) -> None:
    """Fetch the sample video (pedestrians, 795 frames) and print its path.

    [bold]Examples[/]

    mot sample
    mot track $(mot sample)
    """
    from client.video.sample import fetch_sample

    typer.echo(fetch_sample(folder))
