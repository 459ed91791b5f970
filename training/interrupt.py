"""Ctrl-C, SIGTERM and SIGHUP: a run is asked to stop, and stops where nothing is torn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Of a terminal, of a supervisor (timeout, systemd, Kubernetes, docker stop), of a connection that is gone.
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 10  # a loader's worker that was told to end, but not by its parent, ends by itself after so long


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], None]]:
    """Yield ``check``, which raises KeyboardInterrupt if the user (or the system) asked to stop since.

    A step torn in the middle would leave weights that belong to no step, so the signal itself only asks;
    a second one ends the process at once. Outside the main thread signals stay as they are, because
    Python handles them in the main thread alone.
    """
    asked = False  # no event: it has a lock, which a second signal's handler would wait for

    def ask(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(number, signal.SIG_DFL)

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    with _handled(ask):
        yield check


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Every one of :data:`STOPS` raises KeyboardInterrupt, as Ctrl-C does, where nothing can be torn."""
    with _handled(signal.default_int_handler):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # nohup's choice stays.
    numbers = [n for n in STOPS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in previous.items():
            signal.signal(number, former or signal.SIG_DFL)


@contextmanager
def undisturbed(*, tell: bool = True) -> Iterator[None]:
    """Let the death of a worker wait: torch raises it between any two lines of the main thread.

    Args:
        tell: raise it afterwards; not where the run ends anyhow.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    deaths: list[tuple[int, FrameType | None]] = []
    # Not the thread's mask: another thread would take the signal, and Python run the handler here all the same.
    before = signal.signal(signal.SIGCHLD, lambda number, frame: deaths.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)
        if tell and deaths and callable(before):
            before(*deaths[-1])


def leave_interrupts_to_parent(_worker: int) -> None:
    """For a worker process: a signal to the whole group reaches it too, but its parent decides when it ends.

    SIGTERM alone does not tell the group's from the parent's own, so it ends the worker, but late.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.alarm(GRACE_S))
