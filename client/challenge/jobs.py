"""A benchmark's tasks as jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from client.challenge.task import Task
from client.jobs.spec import JobSpec, TrackerSpec
from client.serving.network import NetworkConfig


def jobs_of(
    tasks: Sequence[Task],
    output: Path,
    *,
    network: NetworkConfig,
    tracker: TrackerSpec,
    embeddings: bool = False,
) -> list[JobSpec]:
    """One job a task, without video: ``OUTPUT/SEQUENCE.txt`` for each of its results; frames keep their numbers.

    Args:
        embeddings: also ``SEQUENCE.embeddings.npz``, their mean embeddings, for `mot refine`.
    """
    return [
        JobSpec(
            input=str(task.folder),
            output=output,
            name=task.name,
            results=task.results,
            start=task.first,
            end=task.last,
            length=task.length,
            frame_rate=task.frame_rate,
            detections=task.detections,
            network=network,
            tracker=tracker,
            video=False,
            embeddings=embeddings,
        )
        for task in tasks
    ]
