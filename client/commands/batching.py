"""A batch in the terminal: progress, what failed, the summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import typer

from client.batch.cluster import RayCluster
from client.batch.deal import Dealer, Observer, Result, State
from client.batch.executor import Executor
from client.batch.journal import Journal
from client.batch.pieces import deal_in_pieces
from client.batch.plan import Plan, make_plan, one_server
from client.batch.processes import Processes
from client.batch.servers import Servers, answering
from client.batch.summary import summary_rows, write_summary
from client.batch.work import Work, key_of
from client.commands.running import stopped_by_signals
from client.jobs.record import Record
from client.jobs.spec import JobSpec
from client.log_lines import event
from client.metrics import FRAMES, IDS, JOBS, PEOPLE
from client.serving.network import NetworkConfig
from client.terminal import Advance, for_machines, progress_bars, show

_ORDER: tuple[State, ...] = ("tracked", "kept", "stopped", "failed", "set aside")


def do_batch(
    inputs: Sequence[str],
    make_job: Callable[[str, str], JobSpec],
    networks: Sequence[NetworkConfig],
    folder: Path,
    *,
    processes: int,
    ray: str | None,
    tries: int,
    timeout: float | None,
    again: bool,
    overwrite: bool,
    pieces: float | None,
) -> bool:
    """Track all inputs; True where each is done.

    Args:
        networks: one, or several servers that the videos are dealt out to.
        timeout: seconds without a new frame after which a video's worker is killed.

    Raises:
        MotError: there are results of other settings, or the server, the disk or the cluster has failed.
        KeyboardInterrupt: the user has stopped it, and all is in order.
    """
    begun = time.perf_counter()
    warn = partial(show, "warning")
    with Journal(folder) as journal:
        there = answering(networks, warn)

        def served(input: str, name: str) -> JobSpec:
            return make_job(input, name).model_copy(update={"network": there[0]})

        plan = make_plan(inputs, served, journal, tries=tries, overwrite=overwrite, again=again, pieces=pieces)
        results = dict(plan.results)
        for name, result in results.items():
            _tell(plan.jobs[name], result)
        try:
            if plan.works:
                _deal(
                    plan,
                    networks,
                    journal,
                    results,
                    processes=processes,
                    ray=ray,
                    tries=tries,
                    timeout=timeout,
                    again=again,
                    pieces=pieces,
                )
        finally:
            paths = write_summary(summary_rows(plan.jobs, results), folder)
    _tell_end(plan, results, paths, time.perf_counter() - begun)
    if any(result.state == "stopped" for result in results.values()):
        raise KeyboardInterrupt
    return all(result.state in ("tracked", "kept") for result in results.values())


def _deal(
    plan: Plan,
    networks: Sequence[NetworkConfig],
    journal: Journal,
    results: dict[str, Result],
    *,
    processes: int,
    ray: str | None,
    tries: int,
    timeout: float | None,
    again: bool,
    pieces: float | None,
) -> None:
    """Do the plan's work; each result is added as it comes."""
    with ExitStack() as stack:
        stop = stack.enter_context(stopped_by_signals())
        first = stack.enter_context(one_server(networks[0]))
        servers = Servers([first, *networks[1:]], partial(show, "warning"))
        executor: Executor
        executor = stack.enter_context(Processes(processes)) if ray is None else stack.enter_context(RayCluster(ray))
        bars = stack.enter_context(progress_bars())
        shown = _Shown(bars.begin("videos", len(plan.works), "video"), bars.begin("frames", None), results)

        def deal(some: Sequence[Work], observer: Observer) -> dict[str, Result]:
            dealer = Dealer(
                executor, journal, tries=tries, stop=stop, servers=servers, timeout_s=timeout, observer=observer
            )
            return dealer.run(some)

        if pieces is None:
            deal(plan.works, shown)
        else:
            deal_in_pieces(plan.works, pieces, deal, journal, tries=tries, again=again, observer=shown)


class _Shown(Observer):
    """A bar for the videos, one for their frames; words for those that fail."""

    def __init__(self, video: Advance, frames: Advance, results: dict[str, Result]) -> None:
        self._video, self._frames, self._results = video, frames, results
        self._done: dict[str, int] = {}  # frames, the most of all tries

    def frames(self, job: JobSpec, frames: int) -> None:
        key, before = key_of(job), self._done.get(key_of(job), 0)
        if frames > before:
            self._frames(frames - before)
            self._done[key] = frames

    def ended(self, job: JobSpec, result: Result) -> None:
        self._results[job.name] = result
        self._video()
        _count(job, result)
        _tell(job, result)

    def again(self, job: JobSpec, reason: str) -> None:
        show("warning", f"{job.name}: tried again: {reason}", job=job.name)

    def warned(self, job: JobSpec, message: str) -> None:
        show("warning", message if job.name in message else f"{job.name}: {message}", job=job.name)


def _count(job: JobSpec, result: Result) -> None:
    """The workers' metrics are theirs; those of this process tell of the whole batch."""
    record = Record.read(job.output, job.name) if result.state == "tracked" else None
    if record is not None and record.summary is not None:
        FRAMES.inc(record.summary.frames)
        PEOPLE.inc(record.summary.boxes)
        IDS.inc(record.summary.ids)
    outcome = {"tracked": "done", "set aside": "failed"}.get(result.state, result.state)
    if outcome != "kept":
        JOBS.labels(outcome).inc()


def _tell(job: JobSpec, result: Result) -> None:
    event(f"job {result.state}", job=job.name, outcome=result.state, tries=result.tries, reason=result.reason)
    if result.state in ("failed", "set aside") and not for_machines():
        how = f"set aside after {result.tries} tries" if result.state == "set aside" else "failed"
        show("error", f"{job.name}: {how}: {result.reason}")


def _tell_end(plan: Plan, results: dict[str, Result], paths: Sequence[Path], seconds: float) -> None:
    counts = Counter(result.state for result in results.values())
    listed = ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state]) or "nothing to do"
    text = f"{len(plan.jobs)} videos: {listed}, in {seconds:.1f} s"
    if for_machines():
        event(text, videos=dict(counts), seconds=round(seconds, 1))
        return
    typer.echo(text)
    for path in paths:
        typer.echo(path)
    if len(paths) < 2:
        show("note", "summary.parquet needs pyarrow: pip install 'fairmot-mit[batch]'")
