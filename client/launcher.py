"""Processes that end with the one that starts them, however that ends, and whatever has become of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

GRACE_S = 10.0  # for a process to end in order

# Runs between us and the process: asks the kernel to stop it (SIGTERM) when its parent ends, even if that is killed.
# Its parent is the thread that starts it.
# PR_SET_PDEATHSIG is 1 in linux/prctl.h and outlives exec.
# Before, it leaves a guard in the process's group, a child of nobody: when the process has ended, however it has, so
# does what is left of the group (Triton's model processes wait for it for ever where it ends while it loads a model),
# and where it does not heed the signal, because it is stuck in whatever, the guard ends it with the group.
_LAUNCHER = """
import ctypes, os, select, signal, sys
ctypes.CDLL(None).prctl(1, 15)
try:
    process, parent = os.pidfd_open(os.getpid()), os.pidfd_open(os.getppid())
except (OSError, AttributeError):  # a kernel older than 5.3 or a Python that does not know it, or the parent has ended
    process = None
if process is not None:
    if (child := os.fork()) == 0:
        if os.fork() == 0:
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):  # as whole groups get them
                signal.signal(number, signal.SIG_IGN)
            if process not in select.select([process, parent], [], [])[0]:
                select.select([process], [], [], float(sys.argv[2]))
            os.killpg(0, signal.SIGKILL)
        os._exit(0)
    os.waitpid(child, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[3], sys.argv[3:])
"""


def ending_with_us(command: Sequence[str], grace_s: float = GRACE_S) -> list[str]:
    """The command to run instead, by this process, in a process group of its own (``process_group=0``).

    When the thread that runs it ends, the process gets SIGTERM. When this process does, and ``grace_s`` seconds later
    the other has not, it is killed. What it leaves of its group is killed in any case.
    """
    return [*(sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), str(grace_s)), *command]
