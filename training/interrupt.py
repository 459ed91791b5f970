"""Ctrl-C and SIGTERM between training steps instead of within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], None]]:
    """Yield ``check``, which raises KeyboardInterrupt if the user (or the system) asked to stop since.

    A step torn in the middle would leave weights that belong to no step, so the signal itself only asks;
    a second one ends the process at once. Outside the main thread signals stay as they are, because
    Python handles them in the main thread alone.
    """
    asked = threading.Event()

    def ask(number: int, _frame: object) -> None:
        asked.set()
        signal.signal(number, signal.SIG_DFL)

    def check() -> None:
        if asked.is_set():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield check
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler or signal.SIG_DFL)


def leave_interrupts_to_parent(_worker: int) -> None:
    """For a loader's worker process: Ctrl-C reaches it too, but its parent decides when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
