"""Work dealt out until all of it has ended: tried again where it fails, set aside where that does not help."""

from __future__ import annotations

import glob
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from threading import Event
from typing import Literal

from client.batch.executor import Executor, Lost
from client.batch.journal import Journal
from client.batch.progress import Progress
from client.batch.servers import Servers
from client.batch.work import Ended, Work
from client.jobs.job import result_paths
from client.jobs.record import Record
from client.jobs.spec import JobError, JobSpec

_LOOK_EVERY_S = 0.25
_PROGRESS_EVERY_S = 1.0
_ALIKE = 3  # videos one after the other that fail for a reason of the server's or the disk's: it is no chance
_MOST_LOSSES = 10  # of machines under one video

State = Literal["tracked", "kept", "stopped", "failed", "set aside"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a video."""

    state: State  # kept: from an earlier run; set aside: will not be tried again
    tries: int = 0  # that failed, those of earlier runs included
    reason: str = ""  # of the last one


class Observer:
    """Told of a batch's progress; does nothing unless a subclass does."""

    def ended(self, job: JobSpec, result: Result) -> None:
        """A video will not be tried again in this run."""

    def again(self, job: JobSpec, reason: str) -> None:
        """A video will be tried once more."""

    def frames(self, job: JobSpec, frames: int) -> None:
        """So many of a video's (or piece's) frames are done in this try."""

    def warned(self, job: JobSpec, message: str) -> None:
        """A worker has warned."""


def aside(journal: Journal, work: Work, tries: int) -> Result | None:
    """What earlier runs have set aside."""
    reasons = journal.tries(work.job.name, work.settings)
    if len(reasons) < tries:
        return None
    return Result(state="set aside", tries=len(reasons), reason=reasons[-1])


class Dealer:
    """Gives an executor its work, and judges what comes back."""

    def __init__(
        self,
        executor: Executor,
        journal: Journal,
        *,
        tries: int,
        stop: Event,
        servers: Servers | None = None,
        timeout_s: float | None = None,
        observer: Observer | None = None,
    ) -> None:
        """
        Args:
            stop: ends what is under way between two frames, and begins no other.
            servers: from which each video gets one; None: it has one.
            timeout_s: after so long without a new frame a worker is killed, and its video has failed once more.
        """
        self._servers, self._timeout_s = servers, timeout_s
        self._progress, self._looked = Progress(), 0.0
        self._executor, self._journal, self._tries, self._stop = executor, journal, tries, stop
        self._observer = observer or Observer()
        self._waiting: deque[Work] = deque()
        self._under_way: dict[str, Work] = {}
        self._results: dict[str, Result] = {}
        self._failures, self._losses = Counter[str](), Counter[str]()
        self._troubled: set[str] = set()  # failed for no fault of their own since anything went well

    def run(self, works: Sequence[Work]) -> dict[str, Result]:
        """Do all of it, in this order; results by their keys.

        Raises:
            JobError: the server, the disk or the journal fails for one video after the other.
        """
        self._waiting.extend(works)
        for work in works:
            self._failures[work.key] = len(self._journal.tries(work.job.name, work.settings))
        told = False
        try:
            while self._waiting or self._under_way:
                if self._stop.is_set():
                    if not told:
                        self._executor.stop()
                    told = True
                    while self._waiting:
                        self._end(self._waiting.popleft(), Result(state="stopped"))
                while self._waiting and self._executor.room > 0:
                    self._begin(self._waiting.popleft())
                for key, answer in self._executor.wait(_LOOK_EVERY_S):
                    self._progress.end(key)
                    self._judge(self._under_way.pop(key), answer)
                self._look()
        finally:
            for work in works:
                if work.key in self._losses:
                    _sweep(work.job)
        return self._results

    def _begin(self, work: Work) -> None:
        if self._servers is not None:
            served = work.job.model_copy(update={"network": self._servers.take(work.key)})
            work = replace(work, job=served)
        self._under_way[work.key] = work
        self._progress.begin(work.key, work.job)
        self._executor.submit(work.key, work)

    def _look(self) -> None:
        """Tell how far the videos have come; end the workers that hang."""
        now = time.monotonic()
        if now - self._looked < _PROGRESS_EVERY_S:
            return
        self._looked = now
        for key, work in islice(self._under_way.items(), self._executor.width):  # what was submitted first runs first
            frames, silent = self._progress.look(key, work.job)
            self._observer.frames(work.job, frames)
            if self._timeout_s is not None and silent > self._timeout_s and not self._stop.is_set():
                self._executor.kill(key, f"no new frame for {self._timeout_s:g} s (--timeout): its worker was killed")

    def _judge(self, work: Work, answer: Ended | Lost) -> None:
        network = self._servers.give_back(work.key) if self._servers else None
        if isinstance(answer, Lost):
            self._note_loss(work.job, answer)
            self._losses[work.key] += 1
            if answer.blamed or self._losses[work.key] >= _MOST_LOSSES:
                self._fail(work, answer.reason, answer.blamed)
            else:
                self._again(work, answer.reason)
            return
        for message in answer.warnings:
            self._observer.warned(work.job, message)
        if self._servers and network and answer.away:
            self._losses[work.key] += 1
            if self._losses[work.key] < _MOST_LOSSES and self._servers.leave_out(network, answer.reason):
                self._again(work, answer.reason)
                return
        if answer.state == "failed":
            if not answer.blamed:
                self._troubled.add(work.key)
            self._fail(work, answer.reason, answer.blamed)
            return
        if answer.state != "stopped":
            self._troubled.clear()
            record = _done(work.job)
            if not work.pieces:
                self._observer.frames(work.job, record.frames)
        self._end(work, Result(state=answer.state, tries=self._failures[work.key]))

    def _fail(self, work: Work, reason: str, blamed: bool) -> None:
        if blamed:
            self._journal.failed(work.job.name, work.settings, reason)
        elif len(self._troubled) >= _ALIKE:
            raise JobError(f"{len(self._troubled)} videos in a row have failed for one reason; the last: {reason}")
        self._failures[work.key] += 1
        failures = self._failures[work.key]
        if failures < self._tries and not self._stop.is_set():
            self._again(work, reason)
            return
        state: State = "set aside" if blamed and failures >= self._tries else "failed"
        self._end(work, Result(state=state, tries=failures, reason=reason))

    def _again(self, work: Work, reason: str) -> None:
        self._observer.again(work.job, reason)
        self._waiting.append(work)

    def _end(self, work: Work, result: Result) -> None:
        self._results[work.key] = result
        self._observer.ended(work.job, result)

    def _note_loss(self, job: JobSpec, lost: Lost) -> None:
        """Say in the record what the worker could not: that it is gone.

        Not where results have got their names already: that they are its own, the next run sees by the old record.
        """
        if any(path.exists() for path in result_paths(job)):
            return
        with suppress(JobError, OSError):
            record = Record.read(job.output, job.name, done=False)
            if record is not None and record.state == "running":
                failed = record.model_copy(update={"state": "failed", "error": lost.reason})
                failed.write(job.output, job.name)


def _done(job: JobSpec) -> Record:
    record = Record.read(job.output, job.name)
    if record is None:
        raise JobError(
            f"{job.output}: a worker has written its results somewhere else; give an --output that all machines share"
        )
    return record


def _sweep(job: JobSpec) -> None:
    """Remove the temporary files of workers that were lost; nobody writes here any more."""
    for path in job.output.glob(f".{glob.escape(job.name)}.*partial*"):
        path.unlink(missing_ok=True)
