"""Tracking of pedestrians in video: what a program of one's own imports.

    from client import Detections, make_tracker      a tracker over one's own boxes and scores
    from client import track_video                   a video as a generator of frames with tracks
    from client import JobSpec, Networks, run        a job with its results on disk
    from client import evaluate                      MOTChallenge's measures

Each name is loaded when it is first asked for, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mot import __version__ as __version__  # before ONNX Runtime, which it keeps from reporting

if TYPE_CHECKING:
    from client.evaluation.evaluate import evaluate
    from client.evaluation.measures import Evaluation
    from client.jobs.job import Watch, run
    from client.jobs.record import JobSummary, Record
    from client.jobs.spec import JobSpec, TrackerSpec
    from client.jobs.threads import Observer, Outcome, run_jobs
    from client.jobs.video import track_video
    from client.outputs.conversion import from_supervision, to_pandas, to_supervision, tracks_from_supervision
    from client.pipeline.tracked import TrackedFrame
    from client.serving.network import NetworkConfig
    from client.serving.networks import Networks
    from client.tracking.catalog import make_tracker, tracker_config
    from client.tracking.config import TrackerConfig
    from client.tracking.tracker import Tracker
    from mot.detections import Detections, Tracks
    from mot.errors import MotError
    from mot.frame import Frame

_WHERE = {
    "Detections": "mot.detections",
    "Evaluation": "client.evaluation.measures",
    "Frame": "mot.frame",
    "JobSpec": "client.jobs.spec",
    "JobSummary": "client.jobs.record",
    "MotError": "mot.errors",
    "NetworkConfig": "client.serving.network",
    "Networks": "client.serving.networks",
    "Observer": "client.jobs.threads",
    "Outcome": "client.jobs.threads",
    "Record": "client.jobs.record",
    "TrackedFrame": "client.pipeline.tracked",
    "Tracker": "client.tracking.tracker",
    "TrackerConfig": "client.tracking.config",
    "TrackerSpec": "client.jobs.spec",
    "Tracks": "mot.detections",
    "Watch": "client.jobs.job",
    "evaluate": "client.evaluation.evaluate",
    "from_supervision": "client.outputs.conversion",
    "make_tracker": "client.tracking.catalog",
    "run": "client.jobs.job",
    "run_jobs": "client.jobs.threads",
    "to_pandas": "client.outputs.conversion",
    "to_supervision": "client.outputs.conversion",
    "track_video": "client.jobs.video",
    "tracker_config": "client.tracking.catalog",
    "tracks_from_supervision": "client.outputs.conversion",
}

__all__ = [
    "Detections",
    "Evaluation",
    "Frame",
    "JobSpec",
    "JobSummary",
    "MotError",
    "NetworkConfig",
    "Networks",
    "Observer",
    "Outcome",
    "Record",
    "TrackedFrame",
    "Tracker",
    "TrackerConfig",
    "TrackerSpec",
    "Tracks",
    "Watch",
    "evaluate",
    "from_supervision",
    "make_tracker",
    "run",
    "run_jobs",
    "to_pandas",
    "to_supervision",
    "track_video",
    "tracker_config",
    "tracks_from_supervision",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(sorted(_WHERE))}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
