"""The results that a user names, by files and folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mot.errors import MotError


def result_files(given: Sequence[Path]) -> dict[str, Path]:
    """Results by name: files as they are, folders as the results in them, without unfinished ones.

    Raises:
        MotError: there is none in a folder, or two results have the same name, so that one would stand for both.
    """
    files: dict[str, Path] = {}
    for path in given:
        inside = [path]
        if path.is_dir():
            inside = sorted(one for one in path.glob("*.txt") if not one.name.endswith(".partial.txt"))
            if not inside:
                raise MotError(f"{path}: no .txt in this folder; `mot track --output {path}` would write some")
        for file in inside:
            if file.stem in files:
                raise MotError(f"{file}: {files[file.stem]} has the same name; give them one after the other")
            files[file.stem] = file
    return files
