"""What is printed of tracked videos."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from client.jobs.record import JobSummary
from client.jobs.threads import Outcome

_STAGES = {
    "decode": "reading the next frame",
    "letterbox": "scaling it to the network's input",
    "infer": "from sending to answer; several frames at a time",
    "wait": "of that, how long nothing else was left to do",
    "associate": "detections to tracks",
    "render/encode": "beside the other stages, in a thread of its own",
}


def summary_table(name: str, summary: JobSummary) -> Table:
    """Counts, speed, and mean milliseconds of a frame by stage; fits 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column(escape(name), overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", style="dim")
    table.add_row("frames", f"{summary.frames}")
    table.add_row("people", f"{summary.boxes}", "boxes in all frames")
    table.add_row("ids", f"{summary.ids}")
    table.add_row("frames per second", f"{summary.frames_per_second:.1f}", f"in {summary.seconds:.1f} s")
    for stage, meaning in _STAGES.items():
        if stage in summary.milliseconds:
            table.add_row(f"  {stage}", f"{summary.milliseconds[stage]:.1f} ms", meaning)
    return table


def outcome_table(outcomes: Sequence[Outcome], seconds: float) -> Table:
    """One row a job: frames, people in all of them, ids, and its own speed beside the others'; then all together."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("sequence")
    for column in ("frames", "people", "ids", "frames/s"):
        table.add_column(column, justify="right")
    table.add_column("")
    frames = people = ids = tracked = 0
    for outcome in outcomes:
        name, files = escape(outcome.job.name), len(outcome.job.texts)
        summary = outcome.record.summary if outcome.record else None
        if summary is None:
            table.add_row(name, "-", "-", "-", "-", outcome.state)
            continue
        frames, people, ids = frames + summary.frames, people + summary.boxes, ids + summary.ids
        tracked += summary.frames if outcome.state == "tracked" else 0
        counts = (str(summary.frames), str(summary.boxes), str(summary.ids), f"{summary.frames_per_second:.1f}")
        table.add_row(name, *counts, outcome.state + (f", {files} files" if files > 1 else ""))
    table.add_section()
    speed = f"{tracked / seconds:.1f}" if tracked else "-"
    table.add_row("all", str(frames), str(people), str(ids), speed, f"{tracked} tracked in {seconds:.1f} s")
    return table
