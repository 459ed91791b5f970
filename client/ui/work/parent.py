"""A process that ends when the one that started it does, even if that is killed."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
PARENT = "MOT_UI_PARENT"  # process id of the one that starts us


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the thread that started this process ends; leave at once if it has already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    parent = os.environ.get(PARENT)
    if parent is not None and os.getppid() != int(parent):
        raise SystemExit(0)
