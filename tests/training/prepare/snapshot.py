"""What stands below a folder, to see that a second run changes nothing."""

from __future__ import annotations

from pathlib import Path


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    """Content, or where a link leads, and time of change of every file."""
    return {
        str(path.relative_to(root)): (
            str(path.readlink()).encode() if path.is_symlink() else path.read_bytes(),
            path.lstat().st_mtime_ns,
        )
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }
