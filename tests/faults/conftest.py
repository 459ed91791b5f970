"""What all tests of this folder have in common: they leave nothing, and some are longer if asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.faults.surroundings import Surroundings

# The server and its repository, as the integration tests have them.
from tests.integration.conftest import tiny_repository as tiny_repository


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
