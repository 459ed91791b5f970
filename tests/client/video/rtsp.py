"""A real RTSP server, GStreamer's, on loopback; tests skip where Debian's packages for it are missing."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

_SERVER = Path(__file__).with_name("rtsp_server.py")


class Server:
    """A process that serves a file; ``jump`` seconds is how far its time stamps jump in the middle."""

    def __init__(self, path: Path, jump: float | None = None) -> None:
        self.path, self._jump = path, jump  # another path is served from the next start on
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self._port = unused.getsockname()[1]
        self.url = f"rtsp://127.0.0.1:{self._port}/live"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = ["/usr/bin/python3", str(_SERVER), str(self._port), str(self.path)]
        command += [] if self._jump is None else [str(self._jump)]
        try:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={}
            )
        except FileNotFoundError:
            pytest.skip("no python of the system's")
        assert self._process.stdout
        if self._process.stdout.readline().strip() != "ready":
            pytest.skip("GStreamer's RTSP server is not installed")

    def signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
