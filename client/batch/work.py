"""One video's turn, as a worker does it: in a process of this machine, or in a task of a cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, Literal

from client.batch import remote
from client.batch.joined import join_pieces
from client.batch.progress import renew
from client.batch.servers import is_away
from client.detection.outage import Outage
from client.jobs.finished import FATAL, finished_jobs
from client.jobs.job import run
from client.jobs.spec import JobError, JobSpec
from client.jobs.tracking import JobStoppedError
from client.outputs.sink import SinkError
from client.serving.networks import Networks
from mot.errors import MotError

_MOST_WARNINGS = 20  # of a video
# Of these the video is innocent: the next one would fare no better, or only by chance.
_SURROUNDINGS = (*FATAL, SinkError, JobError)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One video to track."""

    job: JobSpec  # with every setting of its tracker
    settings: Mapping[str, Any]  # what its rows depend on, as whoever deals out the work has found it
    pieces: tuple[JobSpec, ...] = ()  # tracked already: they are joined, and nothing is tracked

    @property
    def key(self) -> str:
        """No other work's."""
        return key_of(self.job)


def key_of(job: JobSpec) -> str:
    """By which a job is known in a batch."""
    return str(job.output / job.name)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of it."""

    state: Literal["tracked", "kept", "stopped", "failed"]
    reason: str = ""  # where it failed
    blamed: bool = False  # on the video; else the server, the disk or the machine has failed
    away: bool = False  # it is its server that does not answer
    warnings: tuple[str, ...] = ()


class Worker:
    """Does one piece of work after the other; the network stays open between them."""

    def __init__(self) -> None:
        self._networks = Networks(tell=self._waits)
        self._job: JobSpec | None = None  # under way

    def __call__(self, work: Work, stop: Event) -> Ended:
        """Track one video; whatever goes wrong is in the answer.

        Args:
            stop: ends it between two frames.

        Raises:
            MemoryError: no other video would fare better in this process.
        """
        with _warnings() as warnings:
            self._job = work.job
            ended = self._tried(work, stop)
            self._job = None
        return replace(ended, warnings=tuple(warnings[:_MOST_WARNINGS]))

    def close(self) -> None:
        self._networks.close()

    def _waits(self, outage: Outage) -> None:
        job = self._job
        if job is not None:
            renew(job)

    def _tried(self, work: Work, stop: Event) -> Ended:
        job = work.job
        try:
            if finished_jobs({0: (job, work.settings)}, overwrite=True):
                return Ended(state="kept")  # by a worker of a run that was killed, in its last moments
            with ExitStack() as stack:
                if remote.is_remote(job.input):
                    local = stack.enter_context(remote.fetched(job.input))
                    job = job.model_copy(update={"input": str(local)})
                if work.pieces:
                    join_pieces(job, work.pieces, work.settings)
                    return Ended(state="tracked")
                network = None if job.detections else self._networks.get(job.network, begins=True)
                run(job, network, settings=work.settings, stop=stop)
        except JobStoppedError:
            return Ended(state="stopped")
        except _SURROUNDINGS as error:
            return Ended(state="failed", reason=str(error), away=is_away(error))
        except MotError as error:
            return Ended(state="failed", reason=str(error), blamed=True)
        return Ended(state="tracked")


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What is warned of within the block, for whoever can show it."""
    handler = _Kept(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield handler.messages
    finally:
        logging.getLogger().removeHandler(handler)


class _Kept(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
