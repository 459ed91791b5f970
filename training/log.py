"""The curves of a run: ``log.csv`` and TensorBoard."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from training.scoreboard import read_rows

TERMS = ("loss", "heatmap", "box", "offset", "identity")  # means over an interval's steps that were not skipped
# Seconds a step, the share of them spent waiting for data, steps skipped.
COLUMNS = ("step", "epoch", "lr", *TERMS, "seconds", "waiting", "skipped")


class Log:
    """Collects loss terms and writes their means.

    A resumed run keeps the rows up to its step and drops what an earlier attempt wrote beyond.
    """

    def __init__(self, out: Path, step: int, fabric: Fabric, state: dict[str, Any] | None = None) -> None:
        """Start or continue the files, from the first process alone.

        Args:
            step: where the run stands.
            state: of the interval it is in, as :meth:`state` gave it; None: it begins.
        """
        self._fabric = fabric
        self._begin_interval()
        if state:
            self._sums = state["sums"].to(fabric.device)
            self._count, self._skipped = int(state["count"]), int(state["skipped"])
        if not fabric.is_global_zero:
            return
        out.mkdir(parents=True, exist_ok=True)
        path = out / "log.csv"
        kept = [row for row in read_rows(path) if int(row["step"]) <= step]
        self._file = path.open("w", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS)
        self._writer.writeheader()
        self._writer.writerows(kept)
        self._board = SummaryWriter(str(out / "tensorboard"), purge_step=step + 1)  # type: ignore[no-untyped-call]

    def _begin_interval(self) -> None:
        self._sums = torch.zeros(len(TERMS), device=self._fabric.device)
        self._count = self._skipped = 0
        self._steps = 0  # that the times below are of: those in this process
        self._waited = 0.0  # seconds
        self._started = time.perf_counter()

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of the interval; for all processes to call together."""
        self._sums = self._mean_of_processes()
        return {"sums": self._sums.clone(), "count": self._count, "skipped": self._skipped}

    def _mean_of_processes(self) -> Tensor:
        sums = self._fabric.all_reduce(self._sums)
        assert isinstance(sums, Tensor)
        return sums

    def add(self, terms: dict[str, Tensor] | None, waited: float) -> None:
        """Count one step.

        Args:
            terms: of the loss; nothing is copied off the device yet. None: the step was skipped.
            waited: seconds that it waited for data.
        """
        self._steps += 1
        self._waited += waited
        if terms is None:
            self._skipped += 1
            return
        self._sums += torch.stack([terms[name] for name in TERMS]).detach()
        self._count += 1

    def write(self, step: int, epoch: float, lr: float) -> dict[str, float]:
        """Close the interval since the last call; returns its means, the same in all processes but for times."""
        seconds = time.perf_counter() - self._started
        # 0/0 is nan: there is no mean where all steps were skipped.
        means = dict(zip(TERMS, (self._mean_of_processes() / self._count).tolist(), strict=True))
        means["seconds"] = seconds / self._steps
        means["waiting"] = self._waited / seconds
        means["skipped"] = self._skipped
        self._begin_interval()
        if self._fabric.is_global_zero:
            row = {"step": str(step), "epoch": f"{epoch:.3f}", "lr": f"{lr:.3g}"}
            self._writer.writerow(row | {name: f"{value:.5g}" for name, value in means.items()})
            self._file.flush()
            self.draw(step, means)
        return means

    def draw(self, step: int, values: dict[str, float]) -> None:
        """Points for TensorBoard; for the first process to call."""
        for name, value in values.items():
            self._board.add_scalar(name, value, step)  # type: ignore[no-untyped-call]

    def leave_out(self, seconds: float) -> None:
        """Time within the interval that no step took."""
        self._started += seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._fabric.is_global_zero:
            self._file.close()
            self._board.close()  # type: ignore[no-untyped-call]
