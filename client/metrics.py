"""What this process counts, for Prometheus: `mot --metrics-port`.

One set for the process, as its users are in many threads and rooms; counting costs microseconds whether or not
anybody reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, start_http_server

import mot
from mot.errors import MotError

REGISTRY = CollectorRegistry()

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

Info("mot_build", "Version of this program.", registry=REGISTRY).info({"version": mot.__version__})
FRAMES = Counter("mot_frames", "Frames tracked.", registry=REGISTRY)
PEOPLE = Counter("mot_people", "Boxes of tracked people, in all frames together.", registry=REGISTRY)
IDS = Counter("mot_ids", "Different people, as far as the tracker could tell.", registry=REGISTRY)
STAGES = Histogram(
    "mot_stage_seconds",
    "Time of a frame in a stage; infer: from its submission to its answer, so that frames overlap.",
    ["stage"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
RETRIES = Counter("mot_retries", "Calls to the Triton server that were not answered.", registry=REGISTRY)
JOBS = Counter("mot_jobs", "Jobs that have ended.", ["outcome"], registry=REGISTRY)
RUNNING = Gauge("mot_jobs_running", "Jobs under way in this process.", registry=REGISTRY)
QUEUE = Gauge("mot_queue_jobs", "Jobs of the page, by state.", ["state"], registry=REGISTRY)
CAMERA_UP = Gauge("mot_camera_up", "1 while frames come from a camera.", ["camera"], registry=REGISTRY)
CAMERA_FRAMES = Counter("mot_camera_frames", "Frames of a camera that were tracked.", ["camera"], registry=REGISTRY)
CAMERA_DROPPED = Counter(
    "mot_camera_frames_dropped", "Frames of a camera that were left out for newer ones.", ["camera"], registry=REGISTRY
)
CAMERA_LOSSES = Counter("mot_camera_losses", "How often a camera was lost.", ["camera"], registry=REGISTRY)
CAMERA_PEOPLE = Gauge("mot_camera_people", "People before a camera, in its last frame.", ["camera"], registry=REGISTRY)
CAMERA_DELAY = Gauge(
    "mot_camera_delay_seconds",
    "From the arrival of a camera's last frame to its tracks.",
    ["camera"],
    registry=REGISTRY,
)
EVENTS = Counter("mot_camera_events", "Events of a camera.", ["camera", "event"], registry=REGISTRY)
DELIVERIES = Counter(
    "mot_events_delivered",
    "Events by where they went: sent, dropped (full), refused.",
    ["output", "outcome"],
    registry=REGISTRY,
)

for _outcome in ("done", "failed", "stopped"):
    JOBS.labels(_outcome)  # so that the first of them is an increase


class MetricsError(MotError):
    """The port cannot be listened on."""


def watch_queue(state: str, count: Callable[[], float]) -> None:
    """Let :data:`QUEUE` ask whenever somebody reads it."""
    QUEUE.labels(state).set_function(count)


@contextmanager
def metrics_served(port: int, host: str = "0.0.0.0") -> Iterator[int]:
    """Answer ``GET /metrics`` within the block; yields the port, which was free where ``port`` is 0.

    Raises:
        MetricsError: another program listens there.
    """
    try:
        server, thread = start_http_server(port, host, REGISTRY)
    except OSError as error:
        raise MetricsError(f"metrics cannot be served on port {port}: {error.strerror}; choose another") from error
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
