"""How many processor threads a training step on the CPU should use."""

from __future__ import annotations

import os
import time
from statistics import median

import torch
from torch import nn

ROUNDS = 5
ENOUGH_S = 0.3  # for one number of threads, seconds
WORTH = 0.9  # of fewer threads' time: more threads must save a tenth
BUSY = 0.5  # share of their time in which threads compute, below which a step is said to wait


def choose_threads() -> int:
    """Let torch use as many threads as pay now, found by trying; returns how many.

    On a machine that others use, threads wait for each other at the end of every operation, and a step may take many
    times as long as with one. What the user says (OMP_NUM_THREADS) stays.
    """
    most = torch.get_num_threads()
    if most == 1 or "OMP_NUM_THREADS" in os.environ:
        return most
    work = _Work()
    best, seconds = 1, work.seconds(1)
    for count in sorted({2**power for power in range(1, most.bit_length())} | {most}):
        if count <= most and (taken := work.seconds(count)) < WORTH * seconds:
            best, seconds = count, taken
    torch.set_num_threads(best)
    return best


class _Work:
    """Many small operations forwards and backwards, as a step has them."""

    def __init__(self) -> None:
        with torch.random.fork_rng(devices=[]):
            blocks = [nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()) for _ in range(8)]
            self._net = nn.Sequential(*blocks)
            self._image = torch.rand(4, 16, 48, 80)

    def seconds(self, threads: int) -> float:
        """Of one pass, the median of some."""
        torch.set_num_threads(threads)
        self._once()  # starts the threads
        taken: list[float] = []
        while len(taken) < ROUNDS and sum(taken) < ENOUGH_S:
            taken.append(self._once())
        return median(taken)

    def _once(self) -> float:
        begun = time.perf_counter()
        self._net(self._image).sum().backward()
        return time.perf_counter() - begun


class Processors:
    """How much of the time between two looks this process's threads computed."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def advice(self, waiting: float, device: torch.device) -> str:
        """What to change where others have the processors; empty where all is well. Begins the next interval.

        Args:
            waiting: share of the time that went into waiting for data, which is no sign of that.
            device: where the steps are made; on a GPU the processors have little to do.
        """
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        threads = torch.get_num_threads()
        busy = cpu / max(wall * (1 - waiting) * threads, 1e-9)
        if device.type != "cpu" or busy >= BUSY or waiting > BUSY:
            return ""
        remedy = "set OMP_NUM_THREADS=1 or end other programs" if threads > 1 else "end other programs"
        return f"{threads} threads compute {busy:.0%} of the time and wait for processors in the rest; {remedy}"
