"""A real server for the tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from client.serving.triton_runtime import find_triton
from mot.errors import MotError
from tests.tiny_model import repository


@pytest.fixture(scope="session")
def tiny_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model repository with the tiny model; skipped where no embedded server can run."""
    try:
        find_triton()
    except MotError as error:
        pytest.skip(str(error))
    return repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="session")
def server(tiny_repository: Path) -> Iterator[EmbeddedServer]:
    """A server that tests share and leave running."""
    with EmbeddedServer(tiny_repository, instances=2) as running:
        yield running
