"""The report of one tracked video, for a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table

from client.jobs.job import JobSummary

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
    table.add_column(name)
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
