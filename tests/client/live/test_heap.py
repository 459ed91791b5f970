"""client.live.heap: in processes of their own, as a process's heaps are for good."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_HEAPS = """
import ctypes, sys, threading
from client.live.heap import share_heaps
if sys.argv[1] == "shared":
    assert share_heaps(2)
here = threading.Barrier(12)
def use() -> None:
    kept = [bytes(5000) for _ in range(50)]
    here.wait(60)  # none gets the heap of one that has ended
threads = [threading.Thread(target=use) for _ in range(12)]
for each in threads: each.start()
for each in threads: each.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def heaps(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", _HEAPS, how], capture_output=True, text=True, check=True, timeout=300)
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other heaps")
def test_threads_share_two_heaps() -> None:
    assert heaps("shared") <= 2 < heaps("own")
