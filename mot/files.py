"""Files that appear whole or not at all, and the folder of those that can be fetched again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` if the block succeeds, else remove it.

    The temporary name keeps the suffix, because writers choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def user_cache() -> Path:
    """This user's folder for what can be fetched again, whatever the current folder; it may not exist yet.

    ``$XDG_CACHE_HOME/fairmot-mit``, by default ``~/.cache/fairmot-mit`` (XDG Base Directory Specification 0.8,
    by which a path that is not absolute does not count).
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "fairmot-mit"
