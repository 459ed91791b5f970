"""What the commands of ``mot-train data`` share: options, conversion with a summary, and Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from client import terminal
from mot.errors import MotError
from mot.splits import Convention
from training.data.configuration import Split
from training.prepare.conversion import Picture, convert_data_set
from training.prepare.identities import Identities

console = Console()

Output = Annotated[Path, typer.Option(help="Folder of the prepared data and data.json; sets are added to it.")]
Name = Annotated[str, typer.Option(help="What data.json calls the data set.")]
Ids = Annotated[Identities, typer.Option(help="none: people have no identity; per-box: everyone is one of their own.")]
SplitOption = Annotated[Literal["full", "half"], typer.Option(help="half: first halves to train, second to test.")]
HalfOption = Annotated[
    Convention, typer.Option(help="bytetrack: train on frames 1 to N//2 + 1; fairmot: one frame less.")
]
MotSource = Annotated[Path, typer.Argument(help="The published folder, with train/SEQUENCE/img1 (or a video) and gt.")]


def say(message: str) -> None:
    """Print a line as it is, so that a path in it can be copied."""
    console.print(message, highlight=False, markup=False, soft_wrap=True)


def convert_and_report(
    out: Path, name: str, splits: Mapping[Split, Sequence[Picture]], expected: Mapping[str, int] | None = None
) -> None:
    """Convert a data set and say what came of it, and how many images its publication has."""
    table = Table("split", "images", "expected", "people", "left out", title=name)
    for split, part in convert_data_set(out, name, splits).items():
        if part.images:
            published = str((expected or {}).get(split, ""))
            table.add_row(split, str(len(part.images)), published, str(part.people), str(part.left_out))
    console.print(table)
    say(f"data configuration: {out / 'data.json'}")


@contextmanager
def resumable() -> Iterator[None]:
    """After Ctrl-C or SIGTERM, and where a file cannot be written, no file is half-written; say so.

    Raises:
        MotError: for an error of the operating system.
    """
    try:
        yield
    except KeyboardInterrupt:
        message = "stopped; every file is whole, so run the same command again to go on"
        terminal.errors.print(message, highlight=False, soft_wrap=True)
        raise typer.Exit(130) from None
    except OSError as error:
        raise MotError(f"{error.filename}: {error.strerror}; mend this and run the same command again") from error
