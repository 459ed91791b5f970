"""A disk that somebody else fills, and clears again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_OTHER = "other"


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, of ``size`` as in ``256k``; the test is skipped where it cannot be mounted."""
    folder.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("cannot mount a tmpfs here: needs root on Linux")
    try:
        yield folder
    finally:
        for _ in range(50):  # what guards a process ends a moment after it
            busy = subprocess.run(["umount", folder], check=False, capture_output=True, text=True)
            if not busy.returncode:
                break
            time.sleep(0.1)
        else:
            subprocess.run(["umount", "--lazy", folder], check=True)
    assert not busy.returncode, f"a file was left open: {busy.stderr}"


def fill(disk: Path, leave: int = 0) -> None:
    """Fill it but for some ``leave`` bytes."""
    with (disk / _OTHER).open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 14)):
                pass
        except OSError:
            pass
        if leave:
            file.truncate(max(0, file.tell() - leave))


def clear(disk: Path) -> None:
    (disk / _OTHER).unlink()


def half_written(folder: Path) -> list[Path]:
    """Temporary files."""
    return [path for path in folder.rglob("*") if ".partial" in path.name]
