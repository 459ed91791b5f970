"""A real browser: Debian's Chromium, which plays H.264, driven by Playwright."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import own_network

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"),
]


def chromium_path() -> str | None:
    """The browser's program; ``MOT_CHROMIUM`` names one elsewhere."""
    given = os.environ.get("MOT_CHROMIUM")
    return given or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def chromium(*, alone: bool = True) -> Iterator[Any]:
    """A ``playwright.sync_api.Browser``; the test is skipped where there is none.

    Args:
        alone: in a network of its own, where that can be had, so that it does not break off what it loads when an
            interface of this machine comes or goes. Costs a hop by a proxy.
    """
    program = chromium_path()
    if program is None:
        pytest.skip("no browser: apt-get install chromium, or name one in MOT_CHROMIUM")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with tempfile.TemporaryDirectory() as folder, playwright.sync_playwright() as started:
        flags = list(_FLAGS)
        if alone and can_be_alone():
            program = _alone(program, Path(folder))
            flags += [f"--proxy-server={own_network.PROXY}", "--proxy-bypass-list=<-loopback>"]
        browser = started.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


def can_be_alone() -> bool:
    """Whether this process may start others in a network of their own."""
    return subprocess.run(_LEAVE, check=False).returncode == 0


_LEAVE = (sys.executable, own_network.__file__)


def _alone(program: str, folder: Path) -> str:
    """A program that is ``program`` in a network of its own."""
    path = folder / "chromium"
    path.write_text(f'#!/bin/sh\nexec {shlex.join([*_LEAVE, program])} "$@"\n')
    path.chmod(0o755)
    return str(path)
