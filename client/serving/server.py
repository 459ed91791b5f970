"""A real Triton server of our own, started on loopback ports and stopped with us."""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

import numpy as np

from client.detection.access import Access
from client.detection.connect import connect_directly
from client.detection.errors import DetectorError
from client.detection.onnx import available_cores
from client.detection.triton import TritonDetector
from client.serving.errors import ServerError
from client.serving.keeper import Keeper, children, is_running
from client.serving.leftovers import LOG, Place, remove_leftovers
from client.serving.ports import free_ports
from client.serving.triton_runtime import Runtime, build_runtime, key_headers
from mot.contract import MODEL_NAME

_ATTEMPTS = 3  # at finding free ports that nobody takes before the server does
_MAX_INSTANCES = 8  # processes; each holds a copy of the model
_LISTENS_EVERYWHERE = "0.0.0.0"


class EmbeddedServer:
    """Starts Triton from the nvidia-pytriton wheel; as a context manager, serves from entry to exit.

    The server lives until :meth:`stop`, whatever thread started it; if this process is killed, the server goes, too,
    and the next one that starts removes what is left of it.

    What Triton 2.51 has options for is closed: models cannot be loaded by a visitor, nor files or shared memory of
    this machine be named, except memory by clients of ours (:attr:`access`). It has none for the size of a request, of
    an HTTP body or of its chunks (a million chunks of one byte end it; :mod:`client.serving.supervisor` starts it
    anew), nor for that of a gRPC message, and its queue is left without a bound (``export/triton/config.py`` says
    why): where others than this machine can reach it, a proxy with such limits belongs before its HTTP port.
    """

    def __init__(
        self,
        model_repository: Path,
        *,
        model: str = MODEL_NAME,
        graph: Path | None = None,
        host: str = "127.0.0.1",
        http_host: str | None = None,
        http_port: int = 0,
        grpc_port: int = 0,
        metrics_port: int = 0,
        instances: int | None = None,
        log_file: Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Choose what to serve and where; :meth:`start` starts it.

        Args:
            model_repository: directory that holds the model's directory.
            model: the name of that directory, and of the model for clients.
            graph: an ONNX file, served under that name instead.
            host: IPv4 address to listen on.
            http_host: that of HTTP alone; by default ``host``.
            http_port: and the other ports: 0 picks a free one.
            instances: processes that run the model; by default one a core, at most 8.
            log_file: the server's output; by default a temporary file, shown in part when starting fails.
            options: more of Triton's own.
        """
        self._model_repository, self._model, self._graph = model_repository, model, graph
        self._host, self._http_host = host, http_host or host
        self._wanted_ports = (http_port, grpc_port, metrics_port)
        self.instances = instances or min(available_cores(), _MAX_INSTANCES)
        self._wanted_log = log_file
        self._options = tuple(options)
        self._key = secrets.token_hex(16)
        self._log_file: Path | None = None
        self._place: Place | None = None
        self._runtime: Runtime | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._model_processes: list[int] = []
        self.ports = self._wanted_ports  # of HTTP, gRPC, metrics; real ones once started

    @property
    def http_url(self) -> str:
        return f"http://{self._http_host}:{self.ports[0]}"

    @property
    def grpc_url(self) -> str:
        return f"grpc://{self._host}:{self.ports[1]}"

    @property
    def metrics_url(self) -> str:
        return f"http://{self._host}:{self.ports[2]}/metrics"

    @property
    def access(self) -> Access:
        """Lets clients of ours share memory with it."""
        return Access(headers=key_headers(self._key))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout_s: float = 60.0, stop: Event | None = None) -> None:
        """Start the server and return when it has answered an inference.

        Args:
            timeout_s: for the whole of it.
            stop: set it, from any thread, to give up.

        Raises:
            ServerError: a part is missing, a given port is taken, or the server is not ready in time.
            ContractError: the model speaks another contract.
        """
        if self.process:
            raise RuntimeError("the server was already started")
        remove_leftovers()
        try:
            self._place = Place()
            self._log_file = self._wanted_log or self._place.folder / LOG
            self._log_file.parent.mkdir(parents=True, exist_ok=True)
            self._log_file.write_bytes(b"")
        except OSError as error:
            self.stop(grace_s=0)
            raise ServerError(f"{error.filename}: cannot be written: {error.strerror}; the server needs it") from error
        try:
            self._runtime = build_runtime(
                self._place.folder, self._model_repository, self.instances, model=self._model, graph=self._graph
            )
            for attempt in range(1, _ATTEMPTS + 1):
                self.ports = free_ports(self._host, self._wanted_ports)
                try:
                    self._begin(timeout_s, stop)
                    break
                except ServerError:
                    taken = self.process is not None and self.process.poll() is not None
                    taken = taken and "already in use" in self.log()
                    if not taken or attempt == _ATTEMPTS or 0 not in self._wanted_ports:
                        raise
        except BaseException:
            self.stop(grace_s=0)
            raise

    def restart(self, timeout_s: float = 60.0, stop: Event | None = None) -> None:
        """End what is left of the server at once, and start it again on the same ports.

        Raises:
            ServerError, ContractError: as :meth:`start`; it may be tried again.
        """
        self.kill()
        assert self._place, "the server was not started"
        self._place.clear()
        self._begin(timeout_s, stop)

    def wait_ready(self, timeout_s: float, stop: Event | None = None) -> None:
        """Return when HTTP says ready and a real image has passed through the model.

        Raises:
            ServerError: the server exited, is not ready in time, or ``stop`` was set.
            ContractError: the model speaks another contract.
        """
        assert self.process, "the server was not started"
        deadline = time.monotonic() + timeout_s
        while not self._answers_ready():
            if self.process.poll() is not None:
                raise ServerError(f"Triton exited with status {self.process.returncode} while starting:\n{self.log()}")
            if time.monotonic() > deadline:
                raise ServerError(f"Triton was not ready after {timeout_s:g} s:\n{self.log()}")
            if stop and stop.is_set():
                raise ServerError("Triton was stopped while starting")
            time.sleep(0.05)
        try:
            self.infer(timeout_s)
        except DetectorError as error:
            raise ServerError(f"Triton is up but does not infer: {error}\n{self.log()}") from error

    def infer(self, timeout_s: float) -> None:
        """Let a black image pass through the model.

        Raises:
            DetectorError: it did not; the cause is an :class:`client.detection.transport.UnavailableError` where the
                server gave no answer.
            ContractError: the model speaks another contract.
        """
        detector = TritonDetector(
            self.grpc_url,
            model=self._model,
            in_flight=1,
            deadline_s=timeout_s,
            retry_for_s=0,
            connect_timeout_s=timeout_s,
            connect=connect_directly,
        )
        with closing(detector):
            detector.infer(np.zeros(detector.spec.image.shape, np.uint8))

    def fault(self) -> str | None:
        """What is visibly wrong with its processes, as a predicate: it "has died"; None: nothing."""
        assert self.process, "the server was not started"
        if self.process.poll() is not None:
            return f"has died (status {self.process.returncode})"
        gone = [pid for pid in self._model_processes if not is_running(pid)]
        return f"has lost {len(gone)} of its {len(self._model_processes)} model processes" if gone else None

    def kill(self) -> None:
        """End the server and its model processes at once."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self, grace_s: float = 10.0) -> None:
        """Stop the server: ask first, kill after ``grace_s``; remove its shared memory and temporary files."""
        if self.process:
            with suppress(subprocess.TimeoutExpired):
                if grace_s > 0:
                    self.process.terminate()
                self.process.wait(grace_s)
            if self.process.returncode != 0:
                self.kill()  # or it was killed before, and its model processes live on in its process group
            self.process = None
        if self._place:
            self._place.remove()
            self._place = None

    def log(self, lines: int = 15) -> str:
        """The last lines that the server wrote, without its tables."""
        if not self._log_file or not self._log_file.is_file():
            return ""
        written = self._log_file.read_text(errors="replace").splitlines()
        return "\n".join([line for line in written if line.strip() and line[0] not in "|+"][-lines:])

    def _begin(self, timeout_s: float, stop: Event | None) -> None:
        """Start the process and wait until it answers."""
        assert self._log_file and self._runtime and self._place
        prefix = self._place.shared_memory_prefix
        command = self._runtime.command(self._host, self._http_host, self.ports, prefix, self._key)
        command += self._options
        with self._place.starting(self._log_file):
            with self._log_file.open("ab") as log:
                try:
                    self.process = Keeper(command, self._runtime.environment, log).process()
                except OSError as error:
                    raise ServerError(f"{command[0]}: cannot be started: {error.strerror}") from error
            self.wait_ready(timeout_s, stop)
            self._model_processes = children(self.process.pid)

    def _answers_ready(self) -> bool:
        """Ask directly: a proxy that the environment names is not asked the way to our own server."""
        host = "127.0.0.1" if self._http_host == _LISTENS_EVERYWHERE else self._http_host
        with closing(http.client.HTTPConnection(host, self.ports[0], timeout=1)) as connection:
            try:
                connection.request("GET", "/v2/health/ready")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False
