"""A job's tracker with all its settings: thresholds come with the model that finds the people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from client.detection.onnx import read_spec
from client.jobs.spec import JobSpec
from client.serving.network import Network, NetworkConfig


def resolved(job: JobSpec, network: Callable[[], Network]) -> JobSpec:
    """The job with every setting of its tracker.

    Args:
        network: opens the job's; called where it is a server elsewhere, which alone knows its model.

    Raises:
        MotError: there is no such model or server, or the tracker has no such setting.
    """
    tracker = job.tracker
    if tracker.is_resolved:
        return job
    of_model = tracker.preset == "model" and job.detections is None
    thresholds = model_thresholds(job.network, network) if of_model else {}
    return job.model_copy(update={"tracker": tracker.resolved(thresholds)})


def model_thresholds(config: NetworkConfig, network: Callable[[], Network]) -> Mapping[str, float]:
    """What the model says of its scores; nothing where it was exported without.

    Raises:
        MotError: there is no such model or server.
    """
    if config.runs_elsewhere:
        return network().detector.spec.thresholds
    return model_thresholds_of(config.model_file())


def model_thresholds_of(path: Path) -> Mapping[str, float]:
    """The same of a model's file."""
    return _thresholds(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _thresholds(path: Path, changed: int) -> Mapping[str, float]:
    """``changed``: when the file was, so that another one is read again."""
    return read_spec(path).thresholds
