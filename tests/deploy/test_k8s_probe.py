"""The probe of all Tritons: an image passes, or the server is busy; a liveness probe must not end one that is busy."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from client.serving.triton_runtime import find_triton
from mot.errors import MotError
from tests.deploy.k8s.rendered import ROOT
from tests.tiny_model import repository

PROBE = ROOT / "deploy/docker/infers.py"
_MODEL = {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 8, 8, 3]}]}


def probe(port: int, model: str = "fairmot") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(PROBE), model, str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@contextmanager
def answering(status: int, error: str) -> Iterator[int]:
    """A server that describes its model, and says this to every inference; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(200, _MODEL)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._say(status, {"error": error})

        def _say(self, code: int, value: object) -> None:
            content = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "error", "works"),
    [
        (200, "", True),
        (503, "Exceeds maximum queue size", True),
        (500, "Request timeout expired", True),
        (500, "Stub process is not healthy.", False),
        (500, "CUDA error: an illegal memory access was encountered", False),
        (404, "Request for unknown model", False),
    ],
)
def test_busy_is_not_broken(status: int, error: str, works: bool) -> None:
    with answering(status, error) as port:
        done = probe(port)
    assert (done.returncode == 0) is works
    assert works or error in done.stderr


def test_nobody_there_is_broken() -> None:
    assert "ConnectionRefusedError" in probe(1).stderr


@pytest.mark.triton
def test_real_server_is_alive_and_an_unknown_model_is_not(tmp_path: Path) -> None:
    try:
        find_triton()
    except MotError as error:
        pytest.skip(str(error))
    with EmbeddedServer(repository(tmp_path), instances=1) as server:
        assert probe(server.ports[0]).returncode == 0
        unknown = probe(server.ports[0], "nobody")
        assert unknown.returncode == 1 and "unknown model" in unknown.stderr
