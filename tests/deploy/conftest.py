"""The stack that the container tests share: built and started once, removed at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.deploy.stack import Stack, why_no_engine

_BUILD_TIMEOUT = 1200.0  # seconds: from nothing, on two busy cores


@pytest.fixture(scope="session")
def built() -> Iterator[Stack]:
    """A project whose images are built; nothing runs yet."""
    if reason := why_no_engine():
        pytest.skip(f"containers cannot run here: {reason}")
    # The layers stay for the next build; `docker-compose build` with no other setting, as in the README.
    stack = Stack(project=f"mot-test-{os.getpid()}", environment={"MOT_IMAGES": "mot-test", "MOT_TAG": "ci"})
    stack.compose("--profile", "tools", "build", "triton", "client", timeout=_BUILD_TIMEOUT)
    yield stack
    stack.remove()


@pytest.fixture(scope="session")
def running(built: Stack) -> Stack:
    """Triton answers."""
    built.compose("up", "-d", "--no-build", "triton")
    built.wait_healthy("triton")
    return built
