"""The curves of a run: ``log.csv`` and TensorBoard."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

COLUMNS = ("step", "epoch", "lr", "loss", "heatmap", "box", "offset", "identity", "seconds")


class Log:
    """Collects loss terms and writes their means.

    A resumed run keeps the rows up to its step and drops what an earlier attempt wrote beyond; its first row
    is the mean of the steps since the resumption.
    """

    def __init__(self, out: Path, step: int, *, active: bool) -> None:
        """Start or continue the files.

        Args:
            step: where the run stands.
            active: False writes nothing, for other processes than the first.
        """
        self._sums: dict[str, Tensor] = {}
        self._count = 0
        self._started = time.perf_counter()
        self._active = active
        if not active:
            return
        out.mkdir(parents=True, exist_ok=True)
        path = out / "log.csv"
        kept = [row for row in _read(path) if int(row["step"]) <= step]
        self._file = path.open("w", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS)
        self._writer.writeheader()
        self._writer.writerows(kept)
        self._board = SummaryWriter(str(out / "tensorboard"), purge_step=step + 1)  # type: ignore[no-untyped-call]

    def add(self, terms: dict[str, Tensor]) -> None:
        """Count one step's terms; nothing is copied off the device yet."""
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, torch.zeros((), device=value.device)) + value.detach()
        self._count += 1

    def write(self, step: int, epoch: float, lr: float) -> dict[str, float]:
        """Close the interval since the last call; returns its means and the seconds a step took."""
        now = time.perf_counter()
        means = {name: float(total) / self._count for name, total in self._sums.items()}
        means["seconds"] = (now - self._started) / self._count
        self._sums, self._count, self._started = {}, 0, now
        if self._active:
            row = {"step": str(step), "epoch": f"{epoch:.3f}", "lr": f"{lr:.3g}"}
            self._writer.writerow(row | {name: f"{value:.5g}" for name, value in means.items()})
            self._file.flush()
            for name, value in means.items():
                self._board.add_scalar(name, value, step)  # type: ignore[no-untyped-call]
        return means

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._active:
            self._file.close()
            self._board.close()  # type: ignore[no-untyped-call]


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
