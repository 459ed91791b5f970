"""Many small jobs on all cores, with a progress bar."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from client import terminal
from training.interrupt import leave_interrupts_to_parent, signals_interrupt

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH = 512  # jobs of a millisecond that a process gets at a time; less than two batches are not worth a process


def map_parallel(
    function: Callable[[Item], Result], items: Sequence[Item], title: str, batch: int = BATCH
) -> list[Result]:
    """``function`` of every item, in their order; the first error, and Ctrl-C, SIGTERM or SIGHUP, ends all of them.

    ``function`` and items must be picklable; each call should leave only whole files behind.
    """
    processes = min(os.cpu_count() or 1, len(items) // batch)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    console = terminal.errors
    results = []
    with (
        signals_interrupt(),
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
