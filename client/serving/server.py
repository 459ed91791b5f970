"""A real Triton server of our own, started on loopback ports and stopped with us."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, Self

import numpy as np

from client.detection.detector import DetectorError
from client.detection.onnx import available_cores
from client.detection.triton import TritonDetector
from client.serving.triton_runtime import CONFIG_NAME, Runtime, ServerError, build_runtime

_ATTEMPTS = 3  # at finding free ports that nobody takes before the server does
_MAX_INSTANCES = 8  # processes; each holds a copy of the model
_SHARED_MEMORY = Path("/dev/shm")
# Runs between us and Triton: asks the kernel to stop it (SIGTERM) when its parent ends, even if that is killed. Its
# parent is the thread that starts it, see _Keeper.
# PR_SET_PDEATHSIG is 1 in linux/prctl.h and outlives exec.
_LAUNCHER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class EmbeddedServer:
    """Starts Triton from the nvidia-pytriton wheel; as a context manager, serves from entry to exit.

    The server lives until :meth:`stop`, whatever thread started it; if this process is killed, the server goes, too.
    """

    def __init__(
        self,
        model_repository: Path,
        *,
        host: str = "127.0.0.1",
        http_port: int = 0,
        grpc_port: int = 0,
        metrics_port: int = 0,
        instances: int | None = None,
        log_file: Path | None = None,
    ) -> None:
        """Choose what to serve and where; :meth:`start` starts it.

        Args:
            model_repository: directory that holds the model's directory ``fairmot``.
            host: IPv4 address to listen on.
            http_port: and the other ports: 0 picks a free one.
            instances: processes that run the model; by default one a core, at most 8.
            log_file: the server's output; by default a temporary file, shown in part when starting fails.
        """
        self._model_repository = model_repository
        self._host = host
        self._wanted_ports = (http_port, grpc_port, metrics_port)
        self.instances = instances or min(available_cores(), _MAX_INSTANCES)
        self._wanted_log = log_file
        self._log_file: Path | None = None
        self._folder: Path | None = None
        self._shm_prefix = f"mot-triton-{os.getpid()}-{uuid.uuid4().hex[:8]}-"
        self.process: subprocess.Popen[bytes] | None = None
        self.ports = self._wanted_ports  # of HTTP, gRPC, metrics; real ones once started

    @property
    def http_url(self) -> str:
        return f"http://{self._host}:{self.ports[0]}"

    @property
    def grpc_url(self) -> str:
        return f"grpc://{self._host}:{self.ports[1]}"

    @property
    def metrics_url(self) -> str:
        return f"http://{self._host}:{self.ports[2]}/metrics"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout_s: float = 60.0) -> None:
        """Start the server and return when it has answered an inference.

        Raises:
            ServerError: a part is missing, a given port is taken, or the server is not ready in time.
            ContractError: the model speaks another contract.
        """
        if self.process:
            raise RuntimeError("the server was already started")
        self._folder = Path(tempfile.mkdtemp(prefix="mot-triton-"))
        self._log_file = self._wanted_log or self._folder / "triton.log"
        try:
            runtime = build_runtime(self._folder, self._model_repository, self.instances)
            for attempt in range(1, _ATTEMPTS + 1):
                self.ports = _free_ports(self._host, self._wanted_ports)
                self.process = self._spawn(runtime, self._log_file)
                try:
                    self.wait_ready(timeout_s)
                    break
                except ServerError:
                    taken = self.process.poll() is not None and "already in use" in self.log()
                    if not taken or attempt == _ATTEMPTS or 0 not in self._wanted_ports:
                        raise
        except BaseException:
            self.stop(grace_s=0)
            raise

    def wait_ready(self, timeout_s: float) -> None:
        """Return when HTTP says ready and a real image has passed through the model.

        Raises:
            ServerError: the server exited, or is not ready in time.
            ContractError: the model speaks another contract.
        """
        assert self.process, "the server was not started"
        deadline = time.monotonic() + timeout_s
        while not self._answers_ready():
            if self.process.poll() is not None:
                raise ServerError(f"Triton exited with status {self.process.returncode} while starting:\n{self.log()}")
            if time.monotonic() > deadline:
                raise ServerError(f"Triton was not ready after {timeout_s:g} s:\n{self.log()}")
            time.sleep(0.05)
        try:
            with closing(TritonDetector(self.grpc_url, in_flight=1, deadline_s=timeout_s, retry_for_s=0)) as detector:
                detector.infer(np.zeros(detector.spec.image.shape, np.uint8))
        except DetectorError as error:
            raise ServerError(f"Triton is up but does not infer: {error}\n{self.log()}") from error

    def watch(self) -> None:
        """Return never: wait until the server ends by itself.

        Raises:
            ServerError: it has; the message holds the last lines of its log.
        """
        assert self.process, "the server was not started"
        status = self.process.wait()
        raise ServerError(f"Triton has ended by itself, status {status}:\n{self.log()}")

    def stop(self, grace_s: float = 10.0) -> None:
        """Stop the server: ask first, kill after ``grace_s``; remove its shared memory and temporary files."""
        if self.process:
            with suppress(subprocess.TimeoutExpired):
                if grace_s > 0:
                    self.process.terminate()
                self.process.wait(grace_s)
            if self.process.returncode != 0:
                # Killed, by us or before: its model processes may live on. They are in its process group.
                with suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None
        for region in _SHARED_MEMORY.glob(f"{self._shm_prefix}*"):
            region.unlink(missing_ok=True)
        if self._folder:
            shutil.rmtree(self._folder)
            self._folder = None

    def log(self, lines: int = 15) -> str:
        """The last lines that the server wrote, without its tables."""
        if not self._log_file or not self._log_file.is_file():
            return ""
        written = self._log_file.read_text(errors="replace").splitlines()
        return "\n".join([line for line in written if line.strip() and line[0] not in "|+"][-lines:])

    def _spawn(self, runtime: Runtime, log_file: Path) -> subprocess.Popen[bytes]:
        http_port, grpc_port, metrics_port = self.ports
        shared_memory = f"shm-region-prefix-name={self._shm_prefix}"
        command = [
            *(sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())),
            str(runtime.binary),
            f"--model-repository={runtime.models}",
            f"--model-config-name={CONFIG_NAME}",
            f"--backend-directory={runtime.backends}",
            f"--backend-config=python,{shared_memory}",
            # Room for an image and its answer, so that no region has to grow in the first requests.
            f"--backend-config=python,shm-default-byte-size={2 << 20}",
            f"--http-address={self._host}",
            f"--http-port={http_port}",
            f"--grpc-address={self._host}",
            f"--grpc-port={grpc_port}",
            f"--metrics-address={self._host}",
            f"--metrics-port={metrics_port}",
            "--allow-gpu-metrics=false",
            "--metrics-config=summary_latencies=true",  # percentiles, for the page
            "--disable-auto-complete-config",
            "--exit-timeout-secs=5",
        ]
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("wb") as log:
            return _Keeper(command, runtime.environment, log).process()

    def _answers_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.http_url}/v2/health/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class _Keeper(Thread):
    """Starts a process and lives as long as it: the kernel takes the end of this thread for that of the parent."""

    def __init__(self, command: list[str], environment: dict[str, str], log: IO[bytes]) -> None:
        super().__init__(name="triton-keeper", daemon=True)
        self._command, self._environment, self._log = command, environment, log
        self._process: Future[subprocess.Popen[bytes]] = Future()

    def process(self) -> subprocess.Popen[bytes]:
        """Start it.

        Raises:
            OSError: it cannot be started.
        """
        self.start()
        return self._process.result()

    def run(self) -> None:
        try:
            process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                process_group=0,  # a terminal's Ctrl-C is ours to handle
            )
        except OSError as error:
            self._process.set_exception(error)
            return
        self._process.set_result(process)
        with suppress(ChildProcessError):  # others have asked for its status already
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def _free_ports(host: str, wanted: tuple[int, int, int]) -> tuple[int, int, int]:
    """Replace each 0 by a port that is free now.

    Raises:
        ServerError: another port is taken, or the host is not an address of this machine.
    """
    with ExitStack() as held:
        ports = []
        for port in wanted:
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ServerError(f"cannot serve on {host}:{port}: {error.strerror}; choose another port") from error
            ports.append(probe.getsockname()[1])
    return ports[0], ports[1], ports[2]
