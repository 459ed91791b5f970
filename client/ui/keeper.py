"""What `mot ui` keeps alive: a Triton server where it has none, the workers, the web server; each is restarted."""

from __future__ import annotations

import fcntl
import logging
import math
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from threading import Event
from typing import Self

from client.launcher import GRACE_S, ending_with_us
from client.log_lines import FORM
from client.metrics import watch_queue
from client.serving.network import MODEL_REPOSITORY
from client.serving.server import EmbeddedServer
from client.serving.supervisor import Supervisor
from client.terminal import for_machines
from client.ui.settings import Settings, SettingsError
from client.ui.store.database import Database, StoreError
from client.ui.store.jobs import JobQueue

_LOOK_S = 0.2
_LEAST_LIFE_S = 2.0  # a process that dies younger is not restarted at once
_PAUSE_S = 2.0
_CANARY_EVERY_S = 10.0  # an image in so long is no load, even on two cores
_GIVEN_UP_S = 60.0  # before a server that did not start again and again is tried once more

log = logging.getLogger(__name__)


class Keeper:
    """The page's processes; a context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stack = ExitStack()
        self._server: EmbeddedServer | None = None
        self._supervisor: Supervisor | None = None
        self._again_at: float | None = None  # when a server that was given up is tried once more
        self._processes: dict[str, _Process] = {}

    def __enter__(self) -> Self:
        """Start all of it.

        Raises:
            MotError: the folder is another page's, the port is taken, or the embedded server does not start.
        """
        with ExitStack() as stack:
            stack.enter_context(_locked(self.settings))
            _check_port(self.settings)
            self._database = Database(self.settings.database)
            stack.callback(self._database.close)
            for state in ("queued", "running"):
                watch_queue(state, partial(self._count, state))
            if self.settings.engine == "triton" and self.settings.url is None:
                self._server = EmbeddedServer(self.settings.model_repository or MODEL_REPOSITORY)
                self._server.start()
                stack.callback(self._stop_server)
                found = {"url": self._server.grpc_url, "metrics_url": self._server.metrics_url}
                self.settings = self.settings.model_copy(update=found)
                stack.callback(self._leave_server)
                self._supervise(self._server)
            stack.callback(self._stop_processes)
            self._processes["web"] = _Process("client.ui.web.server", self.settings)
            for number in range(self.settings.workers):
                self._processes[f"worker {number + 1}"] = _Process("client.ui.work.worker", self.settings)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def watch(self, ended: Event) -> None:
        """Restart what dies, until ``ended`` is set."""
        while not ended.wait(_LOOK_S):
            for name, process in self._processes.items():
                died = process.died()
                if died is not None:
                    log.warning("the %s has ended with status %d and is started again", name, died[1])
                    JobQueue(self._database).release(f"{socket.gethostname()}-{died[0]}")
            if self._server is not None and self._supervisor is not None and self._supervisor.failure:
                self._try_again(self._server, self._supervisor.failure)

    def _supervise(self, server: EmbeddedServer) -> None:
        """A server that is broken or stuck is started again at the same address: whoever waits for it goes on."""
        self._supervisor = Supervisor(server, canary_every_s=_CANARY_EVERY_S)
        self._supervisor.__enter__()

    def _leave_server(self) -> None:
        if self._supervisor is not None:
            self._supervisor.__exit__(None, None, None)

    def _try_again(self, server: EmbeddedServer, failure: str) -> None:
        """After a while, take charge of a server that was given up: the page does not end with it, nor do its jobs."""
        if self._again_at is None:
            log.error("%s\nit is tried again in %g s", failure, _GIVEN_UP_S)
            self._again_at = time.monotonic() + _GIVEN_UP_S
        elif time.monotonic() >= self._again_at:
            self._again_at = None
            self._leave_server()
            self._supervise(server)

    def _count(self, state: str) -> float:
        """Jobs in this state, for the metrics; NaN while it cannot be known."""
        try:
            return float(self._database.rows("SELECT COUNT(*) FROM jobs WHERE state = ?", (state,))[0][0])
        except StoreError:
            return math.nan

    def _stop_server(self) -> None:
        if self._server is not None:
            self._server.stop(grace_s=0)  # it keeps no state

    def _stop_processes(self) -> None:
        for process in self._processes.values():
            process.process.terminate()
        deadline = time.monotonic() + GRACE_S  # for jobs to be put back
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.process.wait(max(0.0, deadline - time.monotonic()))
            process.process.kill()
            process.process.wait()


class _Process:
    """A module that runs as a process of its own."""

    def __init__(self, module: str, settings: Settings) -> None:
        self._module, self._settings = module, settings
        self._start()

    def _start(self) -> None:
        environment = self._settings.environment() | {
            FORM: "json" if for_machines() else "text",
            "MALLOC_ARENA_MAX": "2",  # glibc gives every thread its own otherwise, and memory back from none of them
            "OPENCV_IO_MAX_IMAGE_PIXELS": str(self._settings.limits.pixels),
        }
        self.process = subprocess.Popen(
            ending_with_us([sys.executable, "-m", self._module]),
            env=environment,
            stdin=subprocess.DEVNULL,
            process_group=0,  # a terminal's Ctrl-C is the keeper's to handle
        )
        self._started = time.monotonic()

    def died(self) -> tuple[int, int] | None:
        """Process id and status where it has ended; it is started again."""
        status = self.process.poll()
        if status is None:
            return None
        if time.monotonic() < self._started + _LEAST_LIFE_S + _PAUSE_S:
            return None  # a little later
        pid = self.process.pid
        self._start()
        return pid, status


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """The data folder, ours alone."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        file = (settings.data / "lock").open("w")
    except OSError as error:
        raise SettingsError(f"{settings.data}: cannot be written: {error.strerror}; choose another --data") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsError(f"{settings.data}: another `mot ui` uses this folder; choose another --data") from error
        yield


def _check_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"cannot serve on {settings.host}:{settings.port}: {error.strerror}; choose another --port"
            ) from error
