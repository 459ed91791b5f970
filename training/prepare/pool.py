"""Many small jobs on all cores, with a progress bar."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from client import terminal
from training.interrupt import leave_interrupts_to_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH = 512  # jobs of a millisecond that a process gets at a time; less than two batches are not worth a process


def map_parallel(
    function: Callable[[Item], Result], items: Sequence[Item], title: str, batch: int = BATCH
) -> list[Result]:
    """``function`` of every item, in their order; the first error, and Ctrl-C or SIGTERM, ends all of them.

    ``function`` and items must be picklable; each call should leave only whole files behind.
    """
    processes = min(os.cpu_count() or 1, len(items) // batch)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    console = terminal.errors
    results = []
    with (
        _termination_as_interrupt(),
        Progress(*columns, *times, console=console, transient=True, disable=not console.is_terminal) as bar,
        closing(_results(function, items, processes, batch)) as coming,
    ):
        task = bar.add_task(title, total=len(items))
        for result in coming:
            results.append(result)
            bar.advance(task)
    return results


def _results(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int, batch: int
) -> Generator[Result, None, None]:
    if processes < 2:
        yield from map(function, items)
        return
    # Fresh processes: a forked one would inherit the progress bar's thread in an unknown state.
    executor = ProcessPoolExecutor(processes, get_context("spawn"), leave_interrupts_to_parent, (0,))
    try:
        yield from executor.map(function, items, chunksize=batch)
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt: a process that dies at once would leave its workers waiting for ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
