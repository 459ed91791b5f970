"""Readers that each have a fault, in the text of which there is an ``x``; for the test of the harness itself."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from mot.errors import MotError
from tests.fuzz.target import Target


def _raise(error: Exception) -> None:
    raise error


def _another_exception(path: Path) -> None:
    {"y": 1}["x"]


def _broken_promise(path: Path) -> None:
    assert path.name == "x", "what it gave is not as promised"


def _busy_hang(path: Path) -> None:
    while True:
        pass


def _idle_hang(path: Path) -> None:
    threading.Event().wait()


def _too_much_memory(path: Path) -> None:
    bytearray(1 << 33)


def _crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _where_there_is_an_x(fault: Callable[[Path], None]) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        if b"x" in path.read_bytes():
            fault(path)

    return read


_FAULTS: dict[str, Callable[[Path], None]] = {
    "another-exception": _another_exception,
    "broken-promise": _broken_promise,
    "unnamed-file": lambda path: _raise(MotError("something is wrong")),
    "endless-message": lambda path: _raise(MotError(f"{path}: {'x' * 10_000}")),
    "busy-hang": _busy_hang,
    "idle-hang": _idle_hang,
    "too-much-memory": _too_much_memory,
    "crash": _crash,
}
TARGETS = tuple(
    Target(name=name, file="input.txt", seeds=(b"1,2\n",), reads=(_where_there_is_an_x(fault),), hang_s=0.1)
    for name, fault in _FAULTS.items()
)
