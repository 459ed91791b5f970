"""What the commands print: messages and progress on standard error, results on standard output."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_STYLES = {"error": "bold red", "critical": "bold red", "warning": "yellow"}
_LINE_EVERY_S = 5.0  # where no bar can be drawn

# One object, because a progress bar moves out of the way only for what is printed through its own console.
errors = Console(stderr=True)


def show(kind: str, message: str) -> None:
    """Print a message as it is: lines are not broken, so that it can be searched, and brackets are no markup."""
    errors.print(Text.assemble((f"{kind}: ", _STYLES.get(kind, "")), message), soft_wrap=True)


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Print what is logged within the block."""
    handler = _TerminalHandler(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextmanager
def progress(name: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each frame: a bar in a terminal, a line now and then elsewhere."""
    if not errors.is_terminal:
        yield _Lines(name, total).advance
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _RateColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=errors, transient=True, refresh_per_second=5) as bar:
        yield partial(bar.advance, bar.add_task(name, total=total))


class _TerminalHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        show(record.levelname.lower(), record.getMessage())


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} frames/s")


class _Lines:
    """Progress as lines, the first with the first frame."""

    def __init__(self, name: str, total: int | None) -> None:
        self._name = name
        self._of = "" if total is None else f" of {total}"
        self._frames = 0
        self._begun = time.monotonic()
        self._next = self._begun

    def advance(self) -> None:
        self._frames += 1
        now = time.monotonic()
        if now < self._next:
            return
        rate = self._frames / (now - self._begun)
        show(self._name, f"frame {self._frames}{self._of}, {rate:.1f} frames/s")
        self._next = now + _LINE_EVERY_S
