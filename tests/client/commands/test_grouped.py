from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from client.commands.grouped import grouped


@dataclass(frozen=True, kw_only=True)
class Size:
    width: Annotated[int, typer.Option(min=1)] = 640
    kind: str = "plain"


@dataclass(frozen=True, kw_only=True)
class LargeSize(Size):
    width: Annotated[int, typer.Option(min=100)] = 1280


@pytest.mark.parametrize(
    ("group", "given", "shown"),
    [
        (Size, (), "a 640 plain 1"),
        (Size, ("--width", "7", "--kind", "round", "--times", "2"), "a 7 round 2"),
        (LargeSize, (), "a 1280 plain 1"),
    ],
)
def test_fields_are_options(group: type[Size], given: tuple[str, ...], shown: str) -> None:
    def command(name: str, *, size: Size, times: int = 1) -> None:
        typer.echo(f"{name} {size.width} {size.kind} {times}")

    command.__annotations__["size"] = group
    app = typer.Typer()
    app.command()(grouped(command))
    result = CliRunner().invoke(app, ["a", *given])
    assert (result.exit_code, result.output) == (0, f"{shown}\n")


def test_bounds_and_help_are_the_fields() -> None:
    def command(*, size: Size) -> None:
        """Does nothing."""

    app = typer.Typer()
    app.command()(grouped(command))
    assert CliRunner().invoke(app, ["--width", "0"]).exit_code == 2
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "Does nothing." in shown and "--width" in shown and "--size" not in shown
