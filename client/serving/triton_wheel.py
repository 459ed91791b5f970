"""The wheel that holds Triton's binary: installed, or fetched once into the user's cache.

It cannot be a dependency, because it asks for numpy 1, though only its binary is used. So `pip install` of this
program leaves it out, and whoever first wants an embedded server gets it here; `make setup` installs it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

WHEEL = "nvidia-pytriton==0.7.0"  # Triton 2.51.0
_SHA256 = "21f063ff93bb426d0c06b7a55e7eb9efcfe62c0dddd9a908e9877e18710128df"  # of its file for Linux on x86-64
_PACKAGE = "pytriton"
_TIMEOUT = 900.0  # seconds: 55 MB on a slow line


class WheelError(Exception):
    """The wheel could not be fetched; the message says why."""


def triton_package(cache: Path) -> Path:
    """The folder ``pytriton`` of the wheel; it is fetched into ``cache`` if it is neither installed nor there.

    Raises:
        WheelError: it cannot be fetched.
    """
    found = importlib.util.find_spec(_PACKAGE)
    installed = Path(found.origin).parent if found and found.origin else None
    folder = cache / WHEEL.replace("==", "-")
    for package in filter(None, (installed, folder / _PACKAGE)):
        if (package / "tritonserver" / "bin" / "tritonserver").is_file():
            return package
    with Console(stderr=True).status(f"fetching {WHEEL} (55 MB, once) …"):
        _fetch(folder)
    return folder / _PACKAGE


def _fetch(folder: Path) -> None:
    """Let pip unpack the wheel into a folder of its own, which appears whole."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
            wanted = Path(name, "wanted.txt")
            wanted.write_text(f"{WHEEL} --hash=sha256:{_SHA256}\n", encoding="ascii")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
            subprocess.run(
                [*pip, "--no-deps", "--require-hashes", "--target", str(Path(name, "tree")), "-r", str(wanted)],
                check=True,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                env={key: value for key, value in os.environ.items() if key != "PIP_USER"},  # not with --target
            )
            if folder.exists():
                shutil.rmtree(folder)  # without its binary
            Path(name, "tree").rename(folder)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"pip ended with status {error.returncode}"]
        raise WheelError(lines[-1]) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise WheelError(str(error)) from error
