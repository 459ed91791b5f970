"""The helper itself: what is left is found, and what others have is not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.faults.surroundings import Surroundings


@pytest.fixture
def inner(nothing_left: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    """Another test's surroundings, within this test's."""
    return Surroundings()


def test_nothing(inner: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    with inner.entered(monkeypatch):
        inner.check()
    inner.remove()


def test_a_process_of_a_process(inner: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    grandchild = "import subprocess, sys; print(subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL).pid)"
    with inner.entered(monkeypatch):
        pid = int(subprocess.check_output([sys.executable, "-c", grandchild]))
        assert inner.left() == [f"process {pid} (sleep 60 )"]
        os.kill(pid, 9)
        inner.check()
    inner.remove()


def test_a_port(inner: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    with inner.entered(monkeypatch), socket.create_server(("127.0.0.1", 0)) as server:
        assert inner.left() == [f"a port of this process, {server.getsockname()[1]}"]
    inner.remove()


def test_a_temporary_file(inner: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    with inner.entered(monkeypatch):
        (inner.temporary / "file").touch()
        assert inner.left() == [str(inner.temporary / "file")]
    inner.remove()


@pytest.mark.parametrize("mine", [True, False])
def test_shared_memory_of_a_server(inner: Surroundings, monkeypatch: pytest.MonkeyPatch, mine: bool) -> None:
    name = f"mot-triton-1-{uuid.uuid4().hex[:8]}"
    region = Path("/dev/shm", f"{name}-region")
    with inner.entered(monkeypatch):
        region.touch()
        try:
            if mine:
                (inner.temporary / name).mkdir()
                inner.left()
                (inner.temporary / name).rmdir()
            assert inner.left() == ([str(region)] if mine else [])
        finally:
            region.unlink()
    inner.remove()
