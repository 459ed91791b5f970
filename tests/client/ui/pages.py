"""A page's folder with the tiny model, its parts without a browser, and workers as processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from client.launcher import ending_with_us
from client.ui.settings import Limits, Settings
from client.ui.store.database import Database
from client.ui.store.jobs import Job, JobQueue
from tests.command import ROOT
from tests.tiny_model import repository

LOW = {"name": "overlap_reid", "settings": {"conf_thres": 0.2}}  # so that the tiny model finds people


def page_settings(folder: Path, **changes: Any) -> Settings:
    """A page that tracks with the tiny model in the workers themselves."""
    models = folder / "models"
    if not models.exists():
        repository(models)
    values: dict[str, Any] = {"data": folder / "data", "engine": "local", "model_repository": models, "workers": 1}
    limits = Limits(free_bytes=0)
    return Settings(**{**values, "limits": limits, **changes})


def job_spec(input: Path, **changes: Any) -> str:
    """A job for it, as the page makes them."""
    return json.dumps({"input": str(input), "output": ".", "name": "result", "tracker": LOW, **changes})


@contextmanager
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; killed at the end."""
    process = subprocess.Popen(
        ending_with_us([sys.executable, "-m", "client.ui.work.worker"]),
        cwd=ROOT,
        env=settings.environment() | {"OPENBLAS_NUM_THREADS": "1"},
        process_group=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """The condition's value as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come in {seconds} s"
        time.sleep(0.02)
    return value


class Watched:
    """The queue of a page, seen from outside."""

    def __init__(self, settings: Settings) -> None:
        self.database = Database(settings.database)
        self.queue = JobQueue(self.database)

    def job(self, id: str, owner: str = "ann") -> Job:
        job = self.queue.get(owner, id)
        assert job, id
        return job

    def wait(self, id: str, *states: str, owner: str = "ann", seconds: float = 60) -> Job:
        wait_for(lambda: self.job(id, owner).state in states, f"{states} of {id}", seconds)
        return self.job(id, owner)

    def wait_frames(self, id: str, frames: int) -> Job:
        wait_for(lambda: self.job(id).frames >= frames, f"{frames} frames")
        return self.job(id)
