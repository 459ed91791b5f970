"""What all tests of this folder have in common: they leave nothing, and some are longer if asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from tests.command import walk
from tests.faults.runs import Runs
from tests.faults.surroundings import Surroundings

# A repository with the tiny model, as the integration tests have it.
from tests.integration.conftest import tiny_repository as tiny_repository

FRAMES = 400


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    """Fails a test that leaves processes, ports, shared memory or temporary files; ``check()`` does so in its middle.

    What fixtures of a module or of the session start is not the test's.
    """
    surroundings = Surroundings()
    with surroundings.entered(monkeypatch):
        yield surroundings
        surroundings.check()
    surroundings.remove()


@pytest.fixture(scope="session")
def rounds() -> Callable[[int, int], int]:
    """``rounds(short, long)``: how often to do something; long where ``MOT_FAULTS=long``."""
    return lambda short, long: long if os.environ.get("MOT_FAULTS") == "long" else short


@pytest.fixture(scope="session")
def healthy(tiny_repository: Path) -> Iterator[EmbeddedServer]:
    """A server that tests share and leave as it is."""
    with EmbeddedServer(tiny_repository, instances=2) as running:
        yield running


@pytest.fixture(scope="session")
def runs(tiny_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A video, and what an undisturbed run finds in it."""
    folder = tmp_path_factory.mktemp("runs")
    return Runs(walk(folder / "walk.mp4", FRAMES), FRAMES, tiny_repository, folder / "undisturbed")
