"""Which model repository is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.serving import repository
from client.serving.repository import VARIABLE, model_repository, shipped_repository

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_checkout_has_it_beside_the_packages() -> None:
    assert model_repository() == shipped_repository() == ROOT / "model_repository"


def test_a_wheel_has_it_inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(repository, "_PACKAGED", tmp_path)
    assert model_repository() == shipped_repository() == tmp_path


def test_the_variable_comes_before_the_shipped_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/models")
    assert model_repository() == Path("/models")
    assert shipped_repository() == ROOT / "model_repository"


def test_an_empty_variable_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert model_repository() == ROOT / "model_repository"


def test_the_named_one_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/models")
    assert model_repository(Path("mine")) == Path("mine")
