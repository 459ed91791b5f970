"""The stack that the container tests share: built and started once, removed at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.stack import LONG, ROOT, Stack, why_no_engine
from tests.page_server import free_port

_BUILD_TIMEOUT = 3600.0  # seconds: from nothing, on two busy cores


@pytest.fixture(scope="session")
def built() -> Iterator[Stack]:
    """A project whose images are built; nothing runs yet."""
    if reason := why_no_engine():
        pytest.skip(f"containers cannot run here: {reason}")
    # The layers stay for the next build; `docker-compose build` with no other setting, as in the README.
    environment = {"MOT_IMAGES": "mot-test", "MOT_TAG": "ci", "MOT_PAGE_PORT": f"127.0.0.1:{free_port()}"}
    stack = Stack(project=f"mot-test-{os.getpid()}", environment=environment)
    stack.compose("--profile", "tools", "build", "triton", "client", timeout=_BUILD_TIMEOUT)
    yield stack
    stack.remove()


@pytest.fixture(scope="session")
def running(built: Stack) -> Stack:
    """Triton answers."""
    built.compose("up", "-d", "--no-build", "triton")
    built.wait_healthy("triton")
    return built


@pytest.fixture(scope="session")
def video(running: Stack, mot_data: Path) -> str:
    """The sample's path on the project's volume."""
    source = mot_data / "videos/vtest.avi"
    holder = running.docker("create", "-v", f"{running.project}_jobs:/data", running.image("client")).strip()
    try:
        running.docker("cp", str(source), f"{holder}:/data/vtest.avi")
    finally:
        running.docker("rm", holder)
    return "/data/vtest.avi"


@pytest.fixture(scope="session")
def expected(mot_data: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Rows of the first :data:`LONG` frames by this checkout, without a container or a server."""
    folder = tmp_path_factory.mktemp("local")
    # The images' tracker is compiled for any processor; the last bit of a sum may depend on that.
    environment = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(folder / "numba")}
    arguments = ("--engine", "local", "--end", str(LONG), "--no-video", "--output", str(folder))
    subprocess.run(
        [sys.executable, "-m", "client.cli", "track", str(mot_data / "videos/vtest.avi"), *arguments],
        check=True,
        cwd=ROOT,
        env=environment,
        timeout=1200,
    )
    return (folder / "vtest.txt").read_bytes()


@pytest.fixture(scope="session")
def page(running: Stack, video: str) -> Stack:
    """Page and worker answer, too."""
    running.compose("up", "-d", "--no-build", "page", "worker")
    running.wait_healthy("page")
    running.wait_healthy("worker")
    return running
