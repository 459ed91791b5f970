"""What the commands of ``mot-train data`` share: options, conversion with a summary, and Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from client import terminal
from mot.errors import MotError
from mot.splits import Convention
from training.prepare.conversion import Converted, Reading, all_left_out, convert_data_set, said
from training.prepare.identities import Identities

console = Console()

Output = Annotated[Path, typer.Option(help="Folder of the prepared data and data.json; sets are added to it.")]
Name = Annotated[str, typer.Option(help="What data.json calls the data set; two sources need two names.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what has this name and split but was made from something else.")
]
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
    output: Path, name: str, reading: Reading, expected: Mapping[str, int] | None = None, *, overwrite: bool = False
) -> None:
    """Convert a data set and say what came of every row, and how many images its publication has."""
    table = Table("split", "images", "expected", "people", "ignored", "left out", title=name)
    converted = convert_data_set(output, name, reading, overwrite=overwrite)
    filled = [split for split, part in converted.items() if part.images]
    for split, part in converted.items():
        if part.images:
            read = sum(reading.left_out.values()) if len(filled) == 1 else 0  # of several, nobody knows whose
            numbers = (part.people, part.ignored, sum(part.left_out.values()) + read)
            published = str((expected or {}).get(split, ""))
            table.add_row(split, str(len(part.images)), published, *map(str, numbers))
    console.print(table)
    say_left_out(all_left_out(converted.values(), reading.left_out))
    for split, part in converted.items():
        say_replaced(name, split, part)
    say(f"data configuration: {output / 'data.json'}")


def say_left_out(left_out: Mapping[str, int]) -> None:
    """Name what was read and is nobody's."""
    if left_out:
        say(f"rows left out: {said(left_out)}")


def say_replaced(name: str, split: str, part: Converted) -> None:
    """Announce that a data set is not what it was."""
    if part.before is not None and part.before != len(part.images):
        terminal.show("warning", f"{name}, {split}: had {part.before} images and has {len(part.images)} now")


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
    except MemoryError as error:
        raise MotError("memory is used up; close other programs, or make the largest images smaller") from error
    except OSError as error:
        raise MotError(f"{error.filename}: {error.strerror}; mend this and run the same command again") from error
