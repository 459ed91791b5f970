"""Jobs in the terminal: Ctrl-C and its kin stop them in order, progress and results are shown."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Event
from types import FrameType

from rich.console import Console

from client.commands.tables import outcome_table, summary_table
from client.detection.outage import Outage
from client.jobs.job import result_paths
from client.jobs.spec import JobSpec
from client.jobs.threads import Observer, Outcome, run_jobs
from client.log_lines import event
from client.pipeline.tracked import TrackedFrame
from client.serving.networks import Networks
from client.signals import outside_of_handlers
from client.terminal import Bars, for_machines, progress_bars, show
from client.video.source import Source

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """An event that Ctrl-C, SIGTERM and SIGHUP set; a second Ctrl-C interrupts at once.

    SIGHUP stays ignored where it is, as by ``nohup``.
    """
    stop, asked = Event(), False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked or stop.is_set():
            raise KeyboardInterrupt
        asked = True
        set_stop()

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    with outside_of_handlers(stop.set) as set_stop:
        try:
            for number in _SIGNALS:
                if number != signal.SIGHUP or before[number] != signal.SIG_IGN:
                    signal.signal(number, handle)
            yield stop
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def track_and_report(jobs: Sequence[JobSpec], *, side_by_side: int, overwrite: bool) -> list[Outcome]:
    """Track videos, each with a bar and a summary of its own; returns what became of them.

    Raises:
        MotError: as :func:`client.jobs.threads.run_jobs`.
        KeyboardInterrupt: the user has stopped it, and all is in order.
    """
    outcomes = _run(jobs, _EachJob, side_by_side=side_by_side, videos=side_by_side, overwrite=overwrite)
    _refuse_stopped(outcomes)
    return outcomes


def track_sequences(name: str, jobs: Sequence[JobSpec], *, side_by_side: int, overwrite: bool) -> list[Outcome]:
    """Track a benchmark's sequences with one bar for all of them, and a table at the end.

    Raises:
        MotError: as :func:`client.jobs.threads.run_jobs`.
        KeyboardInterrupt: the user has stopped it, and all is in order.
    """
    begun = time.perf_counter()

    def observe(bars: Bars) -> Observer:
        return _AllJobs(bars.begin(name, sum(_frames(job) for job in jobs)))

    videos = min(side_by_side, len(jobs))
    outcomes = _run(jobs, observe, side_by_side=side_by_side, videos=videos, overwrite=overwrite)
    for outcome in outcomes:
        if outcome.state == "failed":
            show("error", f"{outcome.job.name}: {outcome.error}")
    if not for_machines():
        Console().print(outcome_table(outcomes, time.perf_counter() - begun))
    _refuse_stopped(outcomes)
    return outcomes


def _run(
    jobs: Sequence[JobSpec], observe: Callable[[Bars], Observer], *, side_by_side: int, videos: int, overwrite: bool
) -> list[Outcome]:
    """Run jobs until they are done or a signal stops them; ``videos`` share the network at most."""
    with (
        stopped_by_signals() as stop,
        progress_bars() as bars,
        Networks(videos, partial(tell_outage, bars)) as networks,
    ):
        return run_jobs(
            jobs, networks, side_by_side=side_by_side, overwrite=overwrite, stop=stop, observer=observe(bars)
        )


def _refuse_stopped(outcomes: Sequence[Outcome]) -> None:
    """Raise :class:`KeyboardInterrupt` where the user has stopped a job."""
    if any(outcome.state == "stopped" for outcome in outcomes):
        raise KeyboardInterrupt


def tell_outage(bars: Bars, outage: Outage) -> None:
    """Show that a server is away, and that it is back."""
    if outage.over:
        bars.trouble_over(str(outage))
    else:
        bars.trouble(str(outage))


def _frames(job: JobSpec) -> int:
    assert job.end is not None, "a benchmark's jobs have their frames named"
    return job.end - job.start + 1


def _tell_machines(outcome: Outcome) -> None:
    """One line a job, where lines are for machines."""
    summary = outcome.record.summary if outcome.record else None
    event(
        f"job {outcome.state}",
        job=outcome.job.name,
        outcome=outcome.state,
        files=[str(path) for path in result_paths(outcome.job)] if summary else [],
        **(summary.model_dump(include={"frames", "boxes", "ids", "seconds"}) if summary else {}),
    )


class _EachJob(Observer):
    """A bar while a job runs; its summary and files when it is done."""

    def __init__(self, bars: Bars) -> None:
        self._bars, self._results = bars, Console()
        self._advance: dict[str, Callable[[], None]] = {}

    def opened(self, job: JobSpec, source: Source) -> None:
        self._advance[job.name] = self._bars.begin(job.name, source.frame_count)

    def frame(self, job: JobSpec, tracked: TrackedFrame) -> None:
        self._advance[job.name]()

    def ended(self, outcome: Outcome) -> None:
        job = outcome.job
        self._bars.end(job.name)
        _tell_machines(outcome)
        if outcome.state == "failed":
            show("error", outcome.error)
        if outcome.record is None or outcome.record.summary is None or for_machines():
            return
        if outcome.state == "kept":
            show("note", f"{job.name}: kept as an earlier run with the same settings has made it")
        self._results.print(summary_table(job.name, outcome.record.summary))
        for path in result_paths(job):
            self._results.print(str(path), soft_wrap=True, markup=False, highlight=False)


class _AllJobs(Observer):
    """One bar for the frames of all."""

    def __init__(self, advance: Callable[[], None]) -> None:
        self._advance = advance

    def frame(self, job: JobSpec, tracked: TrackedFrame) -> None:
        self._advance()

    def ended(self, outcome: Outcome) -> None:
        _tell_machines(outcome)
        if outcome.state == "kept":
            for _ in range(_frames(outcome.job)):
                self._advance()
