from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from lightning.fabric import Fabric

from mot.errors import MotError
from tests.media import names
from tests.training.runs import assert_equal, logged, recipe
from tests.training.scenes import write_scene
from training import train
from training.checkpoint import load_checkpoint, load_model
from training.scoreboard import MEASURES, read_rows

pytestmark = pytest.mark.usefixtures("row_a_step")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {"sequence": str(write_scene(tmp_path_factory.mktemp("scene"), frames=4))}


def run(
    people: Path, out: Path, *, interrupt_at: int = 0, resume: bool = False, **settings: Any
) -> tuple[Path, list[str]]:
    """The last checkpoint and what was reported; Ctrl-C during the step ``interrupt_at``."""
    said: list[str] = []

    def progress(step: int, _steps: int, _means: dict[str, float]) -> None:
        if step == interrupt_at:
            signal.raise_signal(signal.SIGINT)

    fabric = Fabric(accelerator="cpu", devices=1)
    given = recipe(**settings)
    return train.fit(given, people, out, fabric, resume=resume, progress=progress, report=said.append), said


def rows(out: Path) -> list[tuple[int, str]]:
    return [(int(row["step"]), row["scene"]) for row in read_rows(out / "validation.csv")]


@pytest.mark.parametrize("ema_decay", [0.9, 0.0])
def test_a_run_with_validation_trains_as_one_without(
    people: Path, scene: dict[str, Any], tmp_path: Path, ema_decay: float
) -> None:
    settings = {"architecture": "mit_b0", "batch_size": 5, "epochs": 2, "ema_decay": ema_decay}
    plain, _ = run(people, tmp_path / "plain", **settings)
    validated, said = run(people, tmp_path / "validated", **settings, validation=[scene])
    assert_equal(plain, validated, but="/recipe")
    assert logged(tmp_path / "plain") == logged(tmp_path / "validated")
    assert rows(tmp_path / "validated") == [(2, "DRAWN-01"), (2, "mean"), (4, "DRAWN-01"), (4, "mean")]
    assert _epochs(said)[0].startswith("epoch 1, DRAWN-01: AP50 ")
    assert names(tmp_path / "plain") == {"last.pt", "log.csv", "tensorboard"}
    assert names(tmp_path / "validated") == names(tmp_path / "plain") | {"best.pt", "validation.csv"}


def test_an_interrupted_validation_loses_nothing(people: Path, scene: dict[str, Any], tmp_path: Path) -> None:
    """Stopped in the validation after the first epoch; the checkpoint is there, and resuming validates first."""
    settings = {"validation": [scene], "workers": 2, "accumulate": 2, "batch_size": 1, "epochs": 2}
    whole, _ = run(people, tmp_path / "whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        run(people, tmp_path / "parts", interrupt_at=5, **settings)
    assert load_checkpoint(tmp_path / "parts/last.pt")["step"] == 5
    assert rows(tmp_path / "parts") == []
    parts, said = run(people, tmp_path / "parts", resume=True, **settings)
    assert _epochs(said)[0].startswith("epoch 1, DRAWN-01: ")
    assert_equal(whole, parts)
    assert_equal(tmp_path / "whole/best.pt", tmp_path / "parts/best.pt")
    assert logged(tmp_path / "whole") == logged(tmp_path / "parts")
    assert (tmp_path / "whole/validation.csv").read_text() == (tmp_path / "parts/validation.csv").read_text()


@pytest.mark.parametrize(("every", "steps"), [(2, [4, 6]), (3, [6]), (5, [6]), (0, [])])
def test_how_often(people: Path, scene: dict[str, Any], tmp_path: Path, every: int, steps: list[int]) -> None:
    """Every so many epochs of two steps, and after the last of three; 0 is never."""
    last, _ = run(people, tmp_path, epochs=3, batch_size=5, validate_every=every, validation=[scene])
    assert sorted({step for step, _ in rows(tmp_path)}) == steps
    assert (tmp_path / "best.pt").exists() == bool(steps)
    assert load_checkpoint(last)["step"] == 6


def test_a_finished_run_can_be_validated(people: Path, scene: dict[str, Any], tmp_path: Path) -> None:
    settings = {"epochs": 1, "batch_size": 5}
    last, _ = run(people, tmp_path, **settings)
    written = last.stat().st_mtime_ns
    part = {**scene, "frames": [2, 3]}
    _, said = run(people, tmp_path, resume=True, **settings, validation=[scene, part])
    assert rows(tmp_path) == [(2, "DRAWN-01"), (2, "DRAWN-01 2-3"), (2, "mean")]
    model, _ = load_model(tmp_path / "best.pt")
    assert not model.training
    assert len(said) == 5  # the recipe's change, three rows, the best
    assert last.stat().st_mtime_ns >= written
    _, said = run(people, tmp_path, resume=True, **settings, validation=[scene, part])
    assert said == []


def test_rows_hold_every_measure(people: Path, scene: dict[str, Any], tmp_path: Path) -> None:
    run(people, tmp_path, epochs=1, batch_size=5, validation=[scene])
    row = read_rows(tmp_path / "validation.csv")[0]
    assert all(float(row[name]) >= -100 for name in MEASURES)
    assert list((tmp_path / "tensorboard").iterdir())


def test_missing_labels_are_told_before_training(people: Path, scene: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"no labels, looked for .*gt/other\.txt"):
        run(people, tmp_path / "out", validation=[{**scene, "gt": "other.txt"}])
    assert not (tmp_path / "out").exists()


def _epochs(said: list[str]) -> list[str]:
    """What was said of epochs; a busy machine is told of, too."""
    return [line for line in said if line.startswith("epoch")]
