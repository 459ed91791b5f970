"""The plugin's library, built once for all tests that need it, apart from the one of `make plugin`."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

import pytest

from mot.custom_ops import LIBRARY

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "export" / "plugin" / "build.sh"
FOLDER = ROOT / "build" / "plugin-of-tests"  # kept, so that only the first run of all compiles
UNAVAILABLE = 69  # build.sh: a compiler or a header is missing


@functools.cache
def _build() -> tuple[int, str]:
    # Without CUDA, which nothing here can run and which takes a minute to compile.
    done = subprocess.run(
        [BUILD, FOLDER], env={**os.environ, "CUDA": "OFF"}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def plugin_library() -> Path:
    """The library; skips the test where it cannot be built, fails it where its code does not compile."""
    status, words = _build()
    if status == UNAVAILABLE:
        pytest.skip(words.strip())
    assert status == 0, words
    return FOLDER / LIBRARY
