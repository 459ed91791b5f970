"""A worker: claims jobs and does them, one after the other.

    python -m client.ui.work.worker

It may be killed at any time: its job is done again by another.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event

from client.detection.errors import DetectorError, ModelChangedError
from client.detection.outage import Outage
from client.jobs.job import run
from client.jobs.spec import JobError, JobSpec
from client.jobs.tracking import JobStoppedError
from client.log_lines import FORM, about, begin_json_lines, event
from client.pipeline.warm_up import warm_up
from client.serving.errors import ServerError
from client.serving.network import MODEL_REPOSITORY, Network, NetworkConfig
from client.serving.networks import Networks
from client.signals import outside_of_handlers
from client.tracking import tracker_config
from client.ui.sample import sample_path
from client.ui.settings import Settings
from client.ui.store.database import Database, StoreError
from client.ui.store.jobs import Job, JobQueue
from client.ui.work.drawing import draw
from client.ui.work.faults import FaultError, of_full_disk
from client.ui.work.summary import FOUND, save_found, write_summary
from client.ui.work.tending import Tending
from client.ui.work.watching import JobWatch
from client.video.sample import fetch_sample
from client.video.source import VideoError
from mot.contract import ContractError
from mot.errors import MotError

_IDLE_S = 0.1  # between two looks at the queue
_FULL_S = 2.0  # until one looks again whether there is room
_AWAY_S = 1.0  # between two attempts to reach the server
RESULT = "result"  # name of the results' files

log = logging.getLogger(__name__)


class Worker:
    """Does jobs until it is told to end."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings, self._name = settings, name
        self._database = Database(settings.database)
        self._queue = JobQueue(self._database)
        self._networks = Networks(tell=self._hear)
        self._ending = Event()
        self._away = Event()  # the server gives no answer
        self._stop = Event()  # of the job at hand

    def end(self) -> None:
        """Put the job at hand back, and leave."""
        self._ending.set()
        self._stop.set()

    def work(self) -> None:
        with ExitStack() as stack:
            stack.callback(self._database.close)
            stack.enter_context(self._networks)
            self._warm_up()
            while not self._ending.is_set():
                try:
                    job = self._queue.claim(self._name) if self._queue.waits() else None
                    if job is not None:
                        self.do(job)
                        continue
                except StoreError as error:  # the disk is full: what is claimed is claimed again
                    log.warning("%s", error)
                    self._ending.wait(_FULL_S)
                self._ending.wait(_IDLE_S)

    def _hear(self, outage: Outage) -> None:
        """Called from several threads while the server does not answer, and once when it does again."""
        if outage.over:
            self._away.clear()
        else:
            self._away.set()

    def _warm_up(self) -> None:
        """So that the first job begins as fast as the others, if the server is there."""
        try:
            warm_up(self._networks.get(self._network_config()).detector, tracker_config().tracker())
        except MotError as error:
            log.warning("no network yet: %s", error)

    def _network_config(self) -> NetworkConfig:
        settings = self._settings
        return NetworkConfig(
            kind=settings.engine,
            url=settings.url,
            protocol=settings.protocol,
            model_repository=settings.model_repository or MODEL_REPOSITORY,
            retry_for_s=settings.retry_for_s,
        )

    def do(self, job: Job) -> None:
        """Do one job, and say what became of it."""
        self._stop = Event()
        if self._ending.is_set():
            self._stop.set()
        folder = self._settings.jobs / job.id
        watch = JobWatch(folder, most_seconds=self._settings.limits.seconds)
        with about(job=job.id), Tending(self._queue, job, watch, self._stop, self._away.is_set):
            event("job begun", attempt=job.attempt)
            try:
                frames = self._track(job, folder / str(job.attempt), watch)
            except JobStoppedError:
                if self._ending.is_set():
                    self._queue.give_back(job)
                return
            except ModelChangedError as error:  # the next attempt is with the new one, from the first frame on
                log.warning("job %s: %s", job.id, error)
                self._queue.give_back(job)
                return
            except (MotError, OSError) as error:
                if not isinstance(error, MotError) and not of_full_disk(error):
                    raise
                kind, message = explain(error, job, self._settings.data)
                event("job failed", "warning", reason=kind)
                log.warning("job %s: %s", job.id, error)
                self._failed(job, kind, message)
                return
            event("job done", frames=frames)
            if self._queue.done(job, frames=frames):
                remove_other_attempts(folder, job.attempt)

    def _failed(self, job: Job, kind: str, message: str) -> None:
        """Give back what it has taken of the disk, then say so."""
        shutil.rmtree(self._settings.jobs / job.id / str(job.attempt), ignore_errors=True)
        self._queue.failed(job, kind, message)

    def _track(self, job: Job, output: Path, watch: JobWatch) -> int:
        """Do it; returns the number of frames."""
        spec = JobSpec.parse(job.spec)
        if spec.input == str(sample_path()):
            fetch_sample()
        if spec.anonymise:
            watch.hide_heads()
        spec = spec.model_copy(update={"output": output, "name": RESULT, "network": self._network_config()})
        output.mkdir(parents=True, exist_ok=True)
        if job.kind == "draw":
            frames = draw(spec, output.with_name(str(job.published)), watch, self._stop)
        else:
            frames = run(spec, self._network(), stop=self._stop, watch=watch).frames
            save_found(output / FOUND, watch)
        watch.finish(output)
        write_summary(output, watch, spec.start)
        return frames

    def _network(self) -> Network:
        """The network, as soon as its server is there.

        Raises:
            JobStoppedError: the job was stopped while waiting.
        """
        deadline = time.monotonic() + self._settings.retry_for_s
        while True:
            try:
                network = self._networks.get(self._network_config(), begins=True)
                self._away.clear()
                return network
            except DetectorError:
                if self._settings.engine == "local" or time.monotonic() > deadline:
                    raise
            self._away.set()
            if self._stop.wait(_AWAY_S):
                raise JobStoppedError("stopped while the server was away")


def remove_other_attempts(folder: Path, attempt: int) -> None:
    """Results that are shown no more, and what lost workers left."""
    for path in folder.iterdir():
        if path.is_dir() and path.name.isdigit() and path.name != str(attempt):
            shutil.rmtree(path, ignore_errors=True)


def explain(error: MotError | OSError, job: Job, data: Path) -> tuple[str, str]:
    """Why a job has failed: the kind of reason, and a sentence without the paths of ``data``, the page's folder."""
    message = str(error)
    with suppress(JobError):
        message = message.replace(JobSpec.parse(job.spec).input, job.title)
    message = message.replace(f"{data}/", "")
    if of_full_disk(error):
        return "disk_full", "no space left on the server's disk"
    if isinstance(error, FaultError):
        return error.kind, message
    if isinstance(error, VideoError):
        return "not_video", message
    if isinstance(error, (DetectorError, ServerError)):
        return "server_away", message
    return ("model" if isinstance(error, ContractError) else "other"), message


def main() -> None:
    """Work for `mot ui`, until SIGTERM, which comes when that ends, too."""
    if os.environ.get(FORM) == "json":
        begin_json_lines()
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    work(Settings.of_environment())


def work(settings: Settings) -> None:
    """Work until SIGTERM."""
    worker = Worker(settings, f"{socket.gethostname()}-{os.getpid()}")
    with outside_of_handlers(worker.end) as end:
        signal.signal(signal.SIGTERM, lambda number, frame: end())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to handle
        event("worker is ready")
        worker.work()


if __name__ == "__main__":
    main()
