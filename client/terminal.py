"""What the commands print: messages and progress on standard error, results on standard output."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from client.log_lines import begin_json_lines, end_json_lines, event
from mot.errors import MotError

_STYLES = {"error": "bold red", "critical": "bold red", "warning": "yellow"}
_NO_MEMORY = ("failed to map segment", "cannot allocate memory")  # of the dynamic loader, in lower case
_LINE_EVERY_S = 5.0  # where no bar can be drawn
_TROUBLE_EVERY_S = 10.0

# One object, because a progress bar moves out of the way only for what is printed through its own console.
errors = Console(stderr=True)


class _Machines:
    """Who reads the messages, for the whole process: machines, while this has a handler."""

    handler: logging.Handler | None = None


def for_machines() -> bool:
    """Whether lines of JSON are written, so that tables and bars would be in the way."""
    return _Machines.handler is not None


def speak_to_machines() -> None:
    """Write all messages as lines of JSON, until :func:`speak_to_people`."""
    _Machines.handler = _Machines.handler or begin_json_lines()


def speak_to_people() -> None:
    if _Machines.handler:
        end_json_lines(_Machines.handler)
    _Machines.handler = None


def show(kind: str, message: str, **fields: Any) -> None:
    """Print a message as it is: lines are not broken, so that it can be searched, and brackets are no markup.

    ``fields`` say the same to machines.
    """
    if for_machines():
        event(message, kind if kind in _STYLES else "info", **fields)
        return
    errors.print(Text.assemble((f"{kind}: ", _STYLES.get(kind, "")), message), soft_wrap=True)


@contextmanager
def errors_shown() -> Iterator[None]:
    """For the whole of a command: errors meant for the user are printed, not traced; status 1.

    Want of memory is one, also where libraries cannot be loaded for it; and want of open files.
    """
    try:
        yield
    except MotError as error:
        show("error", str(error))
        raise SystemExit(1) from error
    except (MemoryError, ImportError) as error:
        if isinstance(error, ImportError) and not any(words in str(error).lower() for words in _NO_MEMORY):
            raise
        show("error", "memory is used up; end other programs, or lift the limit (ulimit -v, the container's)")
        raise SystemExit(1) from error
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        show(
            "error",
            "the system allows no more open files; raise the limit (ulimit -n), or let fewer jobs run at a time",
        )
        raise SystemExit(1) from error


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Print what is logged within the block, to people."""
    handler = _TerminalHandler(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


class Advance(Protocol):
    """Called after each frame, or so many of them."""

    def __call__(self, count: int = 1, /) -> None: ...


class Bars:
    """Progress of several things at a time: a bar each in a terminal, a line now and then elsewhere."""

    def __init__(self, bars: _Progress | None) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._next_line = 0.0

    def begin(self, name: str, total: int | None, unit: str = "frame") -> Advance:
        """Show one more; returns a function to call after each of its frames, or of whatever it consists of."""
        if self._bars is None:
            return _Lines(name, total, unit).advance
        self._tasks[name] = self._bars.add_task(escape(name), total=total, unit=unit)
        return partial(self._bars.advance, self._tasks[name])

    def end(self, name: str) -> None:
        """Show it no more."""
        if self._bars is not None and name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))

    def trouble(self, text: str) -> None:
        """Say, again and again while it lasts, what everything waits for; from any thread."""
        if self._bars is not None:
            self._bars.trouble = text
        elif time.monotonic() >= self._next_line:
            show("warning", text)
            self._next_line = time.monotonic() + _TROUBLE_EVERY_S

    def trouble_over(self, text: str) -> None:
        """Say that it goes on."""
        if self._bars is not None:
            self._bars.trouble = ""
        self._next_line = 0.0
        show("note", text)


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Show what is begun within the block; nothing of it is left behind."""
    if not errors.is_terminal or for_machines():
        yield Bars(None)
        return
    # A long name is cut, so that the line stays one line.
    name = TextColumn("{task.description}", table_column=Column(max_width=24, no_wrap=True, overflow="ellipsis"))
    columns = (name, BarColumn(), MofNCompleteColumn(), _RateColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with _Progress(*columns, *times, console=errors, transient=True, refresh_per_second=5) as bars:
        yield Bars(bars)


@contextmanager
def progress(name: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each frame of a single thing."""
    with progress_bars() as bars:
        yield bars.begin(name, total)


class _TerminalHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        show(record.levelname.lower(), record.getMessage())


class _Progress(Progress):
    """Bars below a line that says what they wait for."""

    trouble = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.trouble:
            yield Text(self.trouble, style=_STYLES["warning"], overflow="ellipsis", no_wrap=True)
        yield from super().get_renderables()


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} {task.fields['unit']}s/s")


class _Lines:
    """Progress as lines, the first with the first frame."""

    def __init__(self, name: str, total: int | None, unit: str) -> None:
        self._name, self._total, self._unit = name, total, unit
        self._of = "" if total is None else f" of {total}"
        self._done = 0
        self._begun = time.monotonic()
        self._next = self._begun

    def advance(self, count: int = 1, /) -> None:
        self._done += count
        now = time.monotonic()
        if now < self._next:
            return
        rate = self._done / (now - self._begun)
        text = f"{self._unit} {self._done}{self._of}, {rate:.1f} {self._unit}s/s"
        known = {self._unit: self._done, f"{self._unit}s": self._total}
        show(self._name, text, job=self._name, **known, per_second=round(rate, 2))
        self._next = now + _LINE_EVERY_S
