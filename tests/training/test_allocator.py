from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from training.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for round in range(30):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(50_000_000, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="settings of Linux's glibc")
def test_a_large_array_costs_its_page_faults_once() -> None:
    """In a process of its own: the settings stay."""
    faults = {}
    for variant in ("keep", "leave"):
        done = subprocess.run([sys.executable, "-c", CODE, variant], capture_output=True, text=True, check=True)
        faults[variant] = int(done.stdout)
    assert faults["keep"] < 100
    assert faults["leave"] > faults["keep"]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_left_alone(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.allocator import keep_freed_memory

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr("ctypes.CDLL", None)
    keep_freed_memory()
