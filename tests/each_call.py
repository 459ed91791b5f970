"""Processes that are disturbed, or killed, at each of their calls that touch a file, one after the other."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count


def in_a_child(do: Callable[[], object]) -> int:
    """Do it in a copy of this process, which must have no threads; its exit status, negative if a signal ended it."""
    if (child := os.fork()) == 0:
        status = 1
        try:
            do()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def at_each_call(do: Callable[[], object], disturbance: Callable[[], object]) -> Iterator[int]:
    """Do it in one child after the other: within the first, ``disturbance`` comes before its first call, and so on.

    Gives each child's exit status, and ends before the one that does it all undisturbed. The calls are those of which
    Python tells its audit hooks: all that open, make, lock, list or remove a file are among them.
    """
    for number in count(1):
        status = in_a_child(lambda: _do_disturbed(do, disturbance, number))  # noqa: B023
        if status == _UNDISTURBED:
            return
        yield status


def kill() -> None:
    """End this process as nothing else can."""
    os.kill(os.getpid(), signal.SIGKILL)


_UNDISTURBED = 77


def _do_disturbed(do: Callable[[], object], disturbance: Callable[[], object], number: int) -> None:
    calls = 0

    def hook(event: str, arguments: object) -> None:
        nonlocal calls
        calls += 1  # first: the disturbance has calls of its own
        if calls == number:
            disturbance()

    sys.addaudithook(hook)
    do()
    if calls < number:
        os._exit(_UNDISTURBED)
