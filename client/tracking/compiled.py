"""Compilation of the association's inner loops by Numba, kept on disk where that is possible."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import event

log = logging.getLogger(__name__)

PATIENCE_S = 2.0  # of compiling, after which the user is told why nothing happens

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function of arrays and numbers to machine code on its first call.

    The code is cached beside the source or, where that folder is read-only, in the user's cache folder
    (or ``NUMBA_CACHE_DIR``); where neither can be written, each process compiles anew, for some seconds. Sums
    may be reordered, so that they vectorise; NaN and infinity keep their meaning.
    """
    _forget_stale(Path(__file__).parent)
    _tell_what_takes_so_long()
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": {"reassoc", "contract"}, "no_cfunc_wrapper": True}
    try:
        result: _Function = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # Numba: no locator available
        result = numba.njit(**options)(function)
    return result


@cache
def _forget_stale(folder: Path) -> None:
    """Remove the cached code beside the sources that is older than any of them.

    Numba compares it with the file of the outer function alone, and would keep what that calls in others as it was.
    """
    newest = max(source.stat().st_mtime for source in folder.glob("*.py"))
    for index in (folder / "__pycache__").glob("*.nbi"):
        with suppress(OSError):  # read-only, or another process was faster
            if index.stat().st_mtime < newest:
                index.unlink()


@cache
def _tell_what_takes_so_long() -> None:
    event.register("numba:compile", _Teller())  # type: ignore[no-untyped-call]


class _Teller(event.Listener):  # type: ignore[misc]
    """Adds up the time spent on compiling this package's functions, which may compile each other."""

    def __init__(self) -> None:
        self._depth, self._begun, self._spent, self._told = 0, 0.0, 0.0, False

    def on_start(self, event: Any) -> None:
        if self._depth == 0:
            self._begun = time.monotonic()
        self._depth += 1
        ours = event.data["dispatcher"].py_func.__module__.startswith(__name__.rpartition(".")[0])
        if ours and not self._told and self._spent + time.monotonic() - self._begun >= PATIENCE_S:
            self._told = True
            log.warning("compiling the tracker for this machine, once: this takes some seconds")

    def on_end(self, event: Any) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._spent += time.monotonic() - self._begun
