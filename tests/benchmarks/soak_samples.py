"""Memory, handles and threads of processes over time, and whether they stay flat."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import theilslopes

from client.serving.keeper import is_running
from tests.command import children

# What the second half may grow by in an hour. A stream that is connected to again every minute and leaves a handle or
# a thread behind each time has a slope of 60, and a process that leaks a picture of 384x288 each time one of 20 MB.
BOUNDS = {"rss": 20.0, "handles": 10.0, "threads": 10.0}
WINDOW_S = 120.0
UNITS = {"rss": "MB", "handles": "file handles", "threads": "threads"}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One process, or the sum of several, at one moment."""

    rss: float  # MB in memory
    handles: int  # open files, sockets, pipes
    threads: int


@dataclass(frozen=True, kw_only=True)
class Course:
    """How one figure of one process went."""

    start: float
    after: float  # five minutes, or a sixth of the time where that is less
    end: float
    slope: float  # an hour, over the second half
    bound: float

    @property
    def flat(self) -> bool:
        return self.slope <= self.bound


def sample(pid: int) -> Sample | None:
    """None where it is gone."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/status").read_text()
        memory, threads = re.search(r"VmRSS:\s+(\d+) kB", text), re.search(r"Threads:\s+(\d+)", text)
        if memory and threads:  # a zombie has no memory
            handles = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            return Sample(rss=int(memory[1]) / 1024, handles=handles, threads=int(threads[1]))
    return None


def family(pid: int) -> list[int]:
    """A process and all below it, the oldest first; nothing where it is gone."""
    if not is_running(pid):
        return []
    return [pid, *(each for child in children(pid) for each in family(child))]


def named(pids: Sequence[int]) -> dict[str, int]:
    """Processes by what they run; several of a kind are numbered."""
    found: dict[str, int] = {}
    for pid in pids:
        with suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            same = sum(each.rpartition(" ")[0] == name for each in found)
            found[f"{name} {same + 1}"] = pid
    return found


def total(samples: Sequence[Sample]) -> Sample:
    return Sample(
        rss=sum(each.rss for each in samples),
        handles=sum(each.handles for each in samples),
        threads=sum(each.threads for each in samples),
    )


def course(seconds: Sequence[float], values: Sequence[float], bound: float) -> Course:
    """Slope of the second half's peaks by Theil and Sen (the median of all pairs').

    Peaks, one in each two minutes: a camera that is away gives its decoder's memory back, up to a sixth of the whole,
    and such dips would bend the slope of all samples by more than the bound.
    """
    times, found = np.asarray(seconds), np.asarray(values)
    half = times >= times[-1] / 2
    windows = (times[half] // min(WINDOW_S, times[-1] / 16)).astype(int)
    peaks = [found[half][windows == number].max() for number in np.unique(windows)]
    middles = [times[half][windows == number].mean() / 3600 for number in np.unique(windows)]
    slope = theilslopes(peaks, middles).slope
    middle = int(np.searchsorted(times, min(300.0, times[-1] / 6)))
    return Course(
        start=float(found[0]), after=float(found[middle]), end=float(found[-1]), slope=float(slope), bound=bound
    )


def judge(seconds: Sequence[float], samples: Mapping[str, Sequence[Sample]]) -> dict[str, dict[str, Course]]:
    """By process and figure."""
    return {
        name: {
            figure: course(seconds, [getattr(one, figure) for one in series], bound) for figure, bound in BOUNDS.items()
        }
        for name, series in samples.items()
    }


def as_json(courses: Mapping[str, Mapping[str, Course]]) -> dict[str, Any]:
    return {
        name: {figure: {**asdict(one), "flat": one.flat} for figure, one in figures.items()}
        for name, figures in courses.items()
    }


def draw(seconds: Sequence[float], samples: Mapping[str, Sequence[Sample]], path: Path) -> None:
    """A panel a figure, a line a process."""
    drawn = Figure(figsize=(12, 10), layout="constrained")
    for axes, (figure, unit) in zip(drawn.subplots(len(UNITS), sharex=True), UNITS.items(), strict=True):
        for name, series in samples.items():
            axes.plot(np.asarray(seconds) / 60, [getattr(one, figure) for one in series], linewidth=1, label=name)
        axes.set(ylabel=unit, ylim=(0, None))
        axes.grid(alpha=0.3)
    axes.set(xlabel="minutes")
    drawn.axes[0].legend(fontsize="small", ncols=3)
    drawn.savefig(path, dpi=100)
