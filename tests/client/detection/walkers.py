"""Files of detections for tests."""

from __future__ import annotations

from pathlib import Path

LENGTH = 8


def write(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


def walkers(path: Path, frames: range = range(1, LENGTH + 1)) -> Path:
    """Two people who walk to the right, the second one scored higher; the rows begin with the last frame."""
    rows = [f"{n},-1,{10 + 3 * n},20,20,50,0.8\n{n},-1,{200 + 3 * n},20,20,50,0.9" for n in reversed(frames)]
    return write(path, *rows)
