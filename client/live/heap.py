"""Memory of a process that lives for months and has a hundred threads."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # of glibc's malloc.h
_HEAPS = 2


def share_heaps(most: int = _HEAPS) -> bool:
    """Let threads share heaps; False where the C library is not glibc.

    glibc gives every thread a heap of its own (up to eight a core) and memory back from none of them, so that each
    decoder and encoder that a camera gets anew may grow another one. Said once, before there are threads.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, most))
    except (OSError, AttributeError):
        return False
