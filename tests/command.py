"""The command ``mot`` as a process of its own, and videos that the tiny model finds people in."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.serving import keeper
from tests.media import Image, make_video

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


def start(*arguments: object, alone: bool = False) -> subprocess.Popen[str]:
    """Start ``mot``; its output goes to pipes. ``alone``: as a process group of its own, as a terminal does it."""
    return subprocess.Popen(
        [sys.executable, "-m", "client.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "80"},
        start_new_session=alone,
    )


def children(pid: int) -> list[int]:
    """The processes that a process has started, from whatever thread, the oldest first."""
    return sorted(keeper.children(pid))  # whose threads may end meanwhile


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    """Read the process's errors and progress until a line that holds ``text``."""
    assert process.stderr
    seen = []
    for line in process.stderr:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError(f"no line with {text!r} but {seen}")


def finish(process: subprocess.Popen[str], status: int = 0) -> tuple[str, str]:
    """Wait for the end; its output and errors."""
    with process:
        try:
            out, err = process.communicate(timeout=600)  # a hang, however busy the machine
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == status, err
    assert "Traceback" not in err, err
    return out, err


def up_to(last: int, rows: str) -> str:
    """The rows of frames 1 to ``last``."""
    return "".join(row for row in rows.splitlines(keepends=True) if int(row.split(",")[0]) <= last)


def colours(count: int, width: int = 64, height: int = 48) -> list[Image]:
    """Plain pictures whose colour drifts, in which the tiny model finds upright people who drift.

    Its boxes are (r, g, b, r + g + b) and multiples, so red is the least.
    """
    step = np.arange(count)
    drift = np.stack([30 + 20 * np.sin(step / 7), 80 + 20 * np.sin(step / 11), 210 + 30 * np.sin(step / 5)], axis=1)
    return [np.full((height, width, 3), colour, np.uint8) for colour in drift.astype(np.uint8)]


def grainy(count: int, width: int = 64, height: int = 48) -> list[Image]:
    """As :func:`colours`, with noise that cannot be compressed."""
    rng = np.random.default_rng(5)
    return [image + rng.integers(-9, 9, image.shape).astype(np.uint8) for image in colours(count, width, height)]


def walk(path: Path, count: int, width: int = 64, height: int = 48) -> Path:
    """A video of :func:`colours`."""
    return make_video(path, colours(count, width, height))
