"""A benchmark's run in the terminal: progress, what failed, and a table."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from client.challenge.runner import Outcome, RunConfig, run_tasks
from client.challenge.task import Challenge
from client.terminal import progress, show


def run_and_report(challenge: Challenge, config: RunConfig) -> int:
    """Track what is not finished; returns how many sequences failed, of which the reasons have been printed.

    Raises:
        MotError: as :func:`client.challenge.runner.run_tasks`.
    """
    tasks = challenge.tasks
    if challenge.missing:
        missing = ", ".join(challenge.missing)
        show("warning", f"{challenge.benchmark} has {len(challenge.missing)} more sequences in this split: {missing}")
    begun = time.perf_counter()
    with progress(challenge.benchmark or "sequences", sum(task.frames for task in tasks)) as advance:
        outcomes = run_tasks(tasks, config, advance=advance)
    seconds = time.perf_counter() - begun
    for outcome in outcomes:
        if outcome.state == "failed":
            show("error", f"{outcome.task.name}: {outcome.error}")
    Console().print(outcome_table(outcomes, seconds))
    return sum(outcome.state == "failed" for outcome in outcomes)


def outcome_table(outcomes: Sequence[Outcome], seconds: float) -> Table:
    """One row a task: frames, people in all of them, ids, and its own speed beside the others'; then all together."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("sequence")
    for column in ("frames", "people", "ids", "frames/s"):
        table.add_column(column, justify="right")
    table.add_column("")
    total = {"frames": 0, "boxes": 0, "ids": 0}
    tracked = 0
    for outcome in outcomes:
        task = outcome.task
        others = f", {len(task.results)} files" if len(task.results) > 1 else ""
        if outcome.record is None or outcome.record.counts is None:
            table.add_row(task.name, "-", "-", "-", "-", outcome.state)
            continue
        counts = outcome.record.counts
        for key in total:
            total[key] += int(counts[key])
        if outcome.state == "tracked":
            tracked += int(counts["frames"])
        numbers = (str(int(counts[key])) for key in total)
        table.add_row(task.name, *numbers, f"{counts['frames_per_second']:.1f}", f"{outcome.state}{others}")
    table.add_section()
    speed = f"{tracked / seconds:.1f}" if tracked else "-"
    table.add_row("all", *(str(value) for value in total.values()), speed, f"{tracked} tracked in {seconds:.1f} s")
    return table
