from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from training.log import COLUMNS, Log

TERMS = ("loss", "heatmap", "box", "offset", "identity")


def add(log: Log, *losses: float) -> None:
    for loss in losses:
        log.add(dict.fromkeys(TERMS, torch.tensor(loss)))


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_means_since_the_last(tmp_path: Path) -> None:
    with Log(tmp_path / "new", 0, active=True) as log:
        add(log, 1.0, 3.0)
        means = log.write(2, 0.5, 1e-3)
        add(log, 10.0)
        log.write(3, 0.75, 1e-4)
    assert means["loss"] == 2
    assert means["seconds"] > 0
    assert [(row["step"], row["loss"], row["epoch"], row["lr"]) for row in rows(tmp_path / "new")] == [
        ("2", "2", "0.500", "0.001"),
        ("3", "10", "0.750", "0.0001"),
    ]
    assert tuple(rows(tmp_path / "new")[0]) == COLUMNS
    assert list((tmp_path / "new/tensorboard").iterdir())


def test_a_resumed_run_drops_rows_beyond_its_step(tmp_path: Path) -> None:
    with Log(tmp_path, 0, active=True) as log:
        for step in (10, 20, 30):
            add(log, float(step))
            log.write(step, 0, 1)
    with Log(tmp_path, 20, active=True) as log:
        add(log, 5.0)
        log.write(30, 0, 1)
    assert [(row["step"], row["loss"]) for row in rows(tmp_path)] == [("10", "10"), ("20", "20"), ("30", "5")]


def test_other_processes_write_nothing(tmp_path: Path) -> None:
    with Log(tmp_path / "out", 0, active=False) as log:
        add(log, 4.0)
        assert log.write(1, 0, 1)["loss"] == 4
    assert not (tmp_path / "out").exists()


def test_terms_do_not_keep_their_graph(tmp_path: Path) -> None:
    weight = torch.ones(1, requires_grad=True)
    with Log(tmp_path, 0, active=False) as log:
        log.add({"loss": (2 * weight).sum()})
        assert log.write(1, 0, 1)["loss"] == pytest.approx(2)
        assert not any(total.requires_grad for total in log._sums.values())
