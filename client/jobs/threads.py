"""Many jobs in one process: each has a thread and a tracker of its own, all share the networks.

So the network has frames of every video to choose from: Triton's dynamic batcher fills its batches, and nothing
waits while one video decodes its next image or associates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any, Literal

from client.jobs.finished import FATAL, finished_jobs, prepared
from client.jobs.job import Watch, check_results, run
from client.jobs.record import Record
from client.jobs.spec import JobSpec
from client.jobs.tracking import JobStoppedError
from client.pipeline.tracked import TrackedFrame
from client.serving.networks import Networks
from client.video.source import Source
from mot.errors import MotError

_LOOK_EVERY_S = 0.25


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job."""

    job: JobSpec
    state: Literal["tracked", "kept", "stopped", "failed"]  # kept: from an earlier run
    record: Record | None = None  # of a finished job
    error: str = ""  # where it failed


class Observer:
    """Told of the progress of all jobs, by one thread at a time; does nothing unless a subclass does."""

    def opened(self, job: JobSpec, source: Source) -> None:
        """A job begins."""

    def frame(self, job: JobSpec, tracked: TrackedFrame) -> None:
        """One of its frames is done."""

    def ended(self, outcome: Outcome) -> None:
        """A job is done, need not be done, or has failed."""


def run_jobs(
    jobs: Sequence[JobSpec],
    networks: Networks,
    *,
    side_by_side: int = 1,
    overwrite: bool = False,
    stop: Event | None = None,
    observer: Observer | None = None,
) -> list[Outcome]:
    """Do what an earlier run with the same settings has not finished; outcomes are in the order of ``jobs``.

    Every result appears whole or not at all, with a record of its settings beside it. A job whose input cannot be
    read does not stop the others. What is finished but lacks a file that is asked for is done again.

    Args:
        networks: opened when the first job needs one, left open.
        side_by_side: jobs at the same time; of several, the longest begin first.
        overwrite: replace results of other settings.
        stop: ends the jobs under way between two frames, and begins no other; their outcome is ``stopped``.

    Raises:
        JobError: there are results of other settings; nothing has been touched.
        MotError: the network or its server failed for good, or no result can be written; what was finished until then
            is kept.
    """
    observer, stop = _InTurn(observer or Observer()), stop or Event()
    for job in jobs:
        check_results(job)
    jobs, settings, faults = prepared(jobs, networks)
    outcomes = {place: Outcome(job=jobs[place], state="failed", error=fault) for place, fault in faults.items()}
    waiting = []
    finished = finished_jobs({place: (jobs[place], wanted) for place, wanted in settings.items()}, overwrite)
    for place in settings:
        if record := finished.get(place):
            outcomes[place] = Outcome(job=jobs[place], state="kept", record=record)
        else:
            waiting.append(place)
    for place in sorted(outcomes):
        observer.ended(outcomes[place])
    if side_by_side > 1:  # so that none is left over alone at the end
        waiting.sort(key=lambda place: -(jobs[place].length or 0))
    run_one = _Run(networks, stop, observer)
    with ThreadPoolExecutor(side_by_side, thread_name_prefix="job") as threads:
        futures: dict[Future[Outcome], int] = {
            threads.submit(run_one, jobs[place], settings[place]): place for place in waiting
        }
        try:
            waited_for = set(futures)
            while waited_for:
                # In turns, because of two signals at a time one may go to another thread, which does not wake this one.
                done, waited_for = wait(waited_for, _LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                for future in done:
                    outcomes[futures[future]] = future.result()
        except BaseException:
            run_one.given_up.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return [outcomes[place] for place in range(len(jobs))]


class _Run:
    """What the threads share."""

    def __init__(self, networks: Networks, stop: Event, observer: Observer) -> None:
        self._networks, self._observer = networks, observer
        self.given_up = _Either(stop)

    def __call__(self, job: JobSpec, settings: Mapping[str, Any]) -> Outcome:
        """Do one job.

        Raises:
            MotError: no other job would fare better.
        """
        if self.given_up.is_set():
            return self._ended(Outcome(job=job, state="stopped"))
        try:
            network = None if job.detections else self._networks.get(job.network, begins=True)
            run(job, network, settings=settings, stop=self.given_up, watch=_JobWatch(job, self._observer))
        except JobStoppedError:
            return self._ended(Outcome(job=job, state="stopped"))
        except FATAL:
            raise
        except MotError as error:
            return self._ended(Outcome(job=job, state="failed", error=str(error)))
        return self._ended(Outcome(job=job, state="tracked", record=Record.read(job.output, job.name)))

    def _ended(self, outcome: Outcome) -> Outcome:
        self._observer.ended(outcome)
        return outcome


class _Either(Event):
    """Set when it is set itself, or when another event is."""

    def __init__(self, other: Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or self._other.is_set()


class _JobWatch(Watch):
    """One job's progress, handed on."""

    def __init__(self, job: JobSpec, observer: Observer) -> None:
        self._job, self._observer = job, observer

    def opened(self, source: Source) -> None:
        self._observer.opened(self._job, source)

    def frame(self, tracked: TrackedFrame) -> None:
        self._observer.frame(self._job, tracked)


class _InTurn(Observer):
    """Lets one thread at a time speak to an observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer, self._lock = observer, Lock()

    def opened(self, job: JobSpec, source: Source) -> None:
        with self._lock:
            self._observer.opened(job, source)

    def frame(self, job: JobSpec, tracked: TrackedFrame) -> None:
        with self._lock:
            self._observer.frame(job, tracked)

    def ended(self, outcome: Outcome) -> None:
        with self._lock:
            self._observer.ended(outcome)
