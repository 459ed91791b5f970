"""A benchmark's sequences tracked as `mot challenge track` does, for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from client.challenge.jobs import jobs_of
from client.challenge.task import Task
from client.jobs.spec import JobSpec, TrackerSpec
from client.jobs.threads import Observer, Outcome, run_jobs
from client.pipeline.tracked import TrackedFrame
from client.serving.network import NetworkConfig
from client.serving.networks import Networks
from client.tracking import TrackerConfig


def with_values(config: NetworkConfig, **values: object) -> NetworkConfig:
    return config.model_copy(update=values)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How the tests' sequences are tracked."""

    out: Path
    network: NetworkConfig
    tracker: TrackerConfig
    jobs: int = 2
    overwrite: bool = False
    embeddings: bool = False


class Advance(Observer):
    """Calls a function for each frame, and for each of a job that need not be done again."""

    def __init__(self, advance: Callable[[], None]) -> None:
        self._advance = advance

    def frame(self, job: JobSpec, tracked: TrackedFrame) -> None:
        self._advance()


def run_tasks(
    tasks: Sequence[Task], config: RunConfig, *, advance: Callable[[], None] = lambda: None, stop: Event | None = None
) -> list[Outcome]:
    jobs = jobs_of(
        tasks, config.out, network=config.network, tracker=TrackerSpec.of(config.tracker), embeddings=config.embeddings
    )
    with Networks(config.jobs) as networks:
        return run_jobs(
            jobs,
            networks,
            side_by_side=config.jobs,
            overwrite=config.overwrite,
            stop=stop,
            observer=Advance(advance),
        )
