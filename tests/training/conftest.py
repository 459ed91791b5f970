"""Small data sets that tests make for themselves, and one thread for torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.training.people import write_people
from training import train, validate


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Results do not depend on how many cores are free, and tests leave the others alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data configuration of ten small images with three coloured people among them."""
    return write_people(tmp_path_factory.mktemp("people"), 10)


@pytest.fixture
def row_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the log for every step; no curves, which take as long as a tiny run (test_cli draws them)."""
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    monkeypatch.setattr(train, "draw_curves", lambda _out: None)
    monkeypatch.setattr(validate, "draw_curves", lambda _out: None)
