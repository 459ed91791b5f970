"""What is fuzzed: a reader, valid inputs to begin with, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mot.errors import MotError
from tests.fuzz.mutation import TEXT, Mutation


@dataclass(frozen=True, kw_only=True)
class Target:
    """A reader of ours under fire.

    Each of ``reads`` gets the path of a file that holds one input. It returns, having checked with ``assert`` whatever
    must hold of what it has got, or raises one of ``refusals``, whose message names the file. Anything else is a
    finding: another exception, a message that is endless or silent about the file, a hang, memory without bounds, a
    crash.
    """

    name: str
    file: str  # name of the file; its suffix may matter to the reader
    seeds: tuple[bytes, ...]  # valid inputs, which are mutated
    reads: tuple[Callable[[Path], object], ...]
    mutations: tuple[Mutation, ...] = TEXT
    refusals: tuple[type[BaseException], ...] = (MotError,)
    named: str | None = None  # what a refusal's message has; None: the file's path
    hang_s: float = 10  # of CPU time; sixty times as much of the clock, as others may have the CPU
    memory_mb: int = 512  # beyond what the process has before its first input
    prepare: Callable[[], object] = lambda: None  # once, before the clock runs: what compiles or connects
    longest: int = 1 << 13  # bytes of an input


def check_finite(*arrays: npt.NDArray[np.float64] | npt.NDArray[np.float32] | float) -> None:
    """Assert that numbers are some."""
    for array in arrays:
        assert np.isfinite(array).all(), f"{array!r:.200} is not finite"
