from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric

from training.log import COLUMNS, TERMS, Log

FABRIC = Fabric(accelerator="cpu", devices=1)


def add(log: Log, *losses: float, waited: float = 0.0) -> None:
    for loss in losses:
        log.add(dict.fromkeys(TERMS, torch.tensor(loss)), waited)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_means_since_the_last(tmp_path: Path) -> None:
    with Log(tmp_path / "new", 0, FABRIC) as log:
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


def test_skipped_steps_are_counted_and_in_no_mean(tmp_path: Path) -> None:
    with Log(tmp_path, 0, FABRIC) as log:
        add(log, 4.0)
        log.add(None, 0.0)
        assert log.write(2, 0, 1)["loss"] == 4
        log.add(None, 0.0)
        log.write(3, 0, 1)
    assert [(row["loss"], row["skipped"]) for row in rows(tmp_path)] == [("4", "1"), ("nan", "1")]


def test_the_share_of_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("training.log.time.perf_counter", lambda: now)
    with Log(tmp_path, 0, FABRIC) as log:
        add(log, 1.0, 1.0, waited=1.5)
        now += 20
        log.leave_out(8)  # a validation
        means = log.write(2, 0, 1)
        assert (means["seconds"], means["waiting"]) == (6, 0.25)
        add(log, 1.0)
        now += 3
        means = log.write(3, 0, 1)
        assert (means["seconds"], means["waiting"]) == (3, 0)


def test_a_resumed_run_drops_rows_beyond_its_step(tmp_path: Path) -> None:
    with Log(tmp_path, 0, FABRIC) as log:
        for step in (10, 20, 30):
            add(log, float(step))
            log.write(step, 0, 1)
    with Log(tmp_path, 20, FABRIC) as log:
        add(log, 5.0)
        log.write(30, 0, 1)
    assert [(row["step"], row["loss"]) for row in rows(tmp_path)] == [("10", "10"), ("20", "20"), ("30", "5")]


def test_a_run_resumed_within_an_interval_writes_the_row_of_all_of_it(tmp_path: Path) -> None:
    with Log(tmp_path, 0, FABRIC) as log:
        add(log, 1.0, 2.0)
        log.add(None, 0.0)
        state = log.state()
        add(log, 100.0)  # after the checkpoint, and lost
    with Log(tmp_path, 3, FABRIC, state) as log:
        add(log, 6.0)
        means = log.write(4, 0, 1)
    assert (means["loss"], means["skipped"]) == (3, 1)


def test_rows_of_an_older_release_stay(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,epoch,lr,loss\n10,1.000,0.1,7\n")
    with Log(tmp_path, 10, FABRIC) as log:
        add(log, 5.0)
        log.write(20, 0, 1)
    assert [(row["step"], row["loss"], row["waiting"]) for row in rows(tmp_path)] == [
        ("10", "7", ""),
        ("20", "5", rows(tmp_path)[1]["waiting"]),
    ]


def test_terms_do_not_keep_their_graph(tmp_path: Path) -> None:
    weight = torch.ones(1, requires_grad=True)
    with Log(tmp_path, 0, FABRIC) as log:
        log.add(dict.fromkeys(TERMS, (2 * weight).sum()), 0.0)
        assert not log.state()["sums"].requires_grad
        assert log.write(1, 0, 1)["loss"] == pytest.approx(2)
