"""What killed processes have left behind: a server's folder and its shared memory.

A server's owner holds a lock of its folder; the kernel gives it back when the owner ends, however it ends. So a folder
that can be locked belongs to nobody, also where several containers share it and count their processes alike, and where
its owner was killed while it made or removed it. systemd-tmpfiles, which empties old folders, leaves locked ones alone.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
_PREFIX = "mot-triton-"
_AS_LOCK = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME = re.compile(rf"{_PREFIX}\d+-[0-9a-f]{{8}}")
# Triton's python backend makes an empty folder here, whatever TMPDIR says, leaves it when it is killed, and aborts
# where it is missing at a clean stop. It does not say which one is its own.
_ENVIRONMENTS = (Path("/tmp"), "python_env_*")
_STAMP = re.compile(r"[A-Z]\d{4} \d\d:(\d\d):(\d\d\.\d+) ")  # how a line of Triton's log begins
_QUARTER_S = 900.0
_COARSE_S = 0.01  # a file system's clock ticks each 4 ms, or 10
_NOTED = "environments"
LOG = "triton.log"  # of the server, where nobody wants it elsewhere


class Place:
    """The private folder of one server and its prefix in shared memory; nobody else takes them until :meth:`remove`."""

    def __init__(self) -> None:
        """Make the folder, under a name that was never there before.

        Raises:
            OSError: the temporary folder cannot be written.
        """
        while (claimed := _claimed()) is None:
            pass
        self.folder, self._lock = claimed
        self.shared_memory_prefix = f"{self.folder.name}-"

    @contextmanager
    def starting(self, log: Path) -> Iterator[None]:
        """Around the server's start: note what it makes elsewhere; ``log`` is the server's."""
        before = _environments()
        try:
            yield
        finally:
            made = _environments() - before
            if len(made) > 1:  # other servers have started at the same time
                made = {path for path in made if _is_of(path, log)}
            if len(made) == 1:
                with (self.folder / _NOTED).open("a") as noted:
                    noted.write(f"{made.pop()}\n")

    def clear(self) -> None:
        """The server has ended: remove what it has left outside of the folder."""
        _clear(self.folder)

    def remove(self) -> None:
        """The server has ended: remove everything."""
        _remove(self.folder)
        os.close(self._lock)


def remove_leftovers() -> None:
    """Remove the places in this temporary folder whose owners are gone, if they were this user's.

    For whoever may need a server, also where it turns out that there is nothing to do: a command that was killed after
    its results has left them, and the same command again needs none.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _NAME.fullmatch(folder.name):
            with suppress(OSError):  # it is somebody's, or has been removed meanwhile
                _remove_nobodys(folder)


def _claimed() -> tuple[Path, int] | None:
    """A new folder and its lock, which is held; None: somebody has removed it before, as it was nobody's yet."""
    folder = Path(tempfile.gettempdir(), f"{_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}")
    folder.mkdir(mode=0o700)
    try:
        lock = os.open(folder, _AS_LOCK)
    except FileNotFoundError:
        return None
    with suppress(OSError):  # where a file system has no such locks (NFS), nobody else gets one either, and all stays
        fcntl.flock(lock, fcntl.LOCK_EX)
    if folder.exists():
        return folder, lock
    os.close(lock)
    return None


def _remove_nobodys(folder: Path) -> None:
    """Remove it unless its owner lives.

    Raises:
        OSError: it does; or the folder is gone.
    """
    if folder.lstat().st_uid != os.getuid():
        return
    lock = os.open(folder, _AS_LOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    _clear(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _clear(folder: Path) -> None:
    for region in SHARED_MEMORY.glob(f"{folder.name}-*"):
        with suppress(OSError):
            region.unlink()
    noted = folder / _NOTED
    mine = map(Path, noted.read_text().splitlines()) if noted.is_file() else _of_a_start_that_broke_off(folder / LOG)
    for environment in _environments() & set(mine):
        with suppress(OSError):
            environment.rmdir()


def _environments() -> set[Path]:
    folder, pattern = _ENVIRONMENTS
    return set(folder.glob(pattern))


def _of_a_start_that_broke_off(log: Path) -> list[Path]:
    """Environments that a server has made which was killed before its owner could note them."""
    with suppress(OSError):  # no log was begun, or somebody removes the same
        begun = log.stat().st_mtime - _QUARTER_S / 2
        made = [path for path in _environments() if begun < path.stat().st_mtime < begun + _QUARTER_S]
        return [path for path in made if _is_of(path, log)]
    return []


def _is_of(environment: Path, log: Path) -> bool:
    """Whether it was made while the server that wrote this log loaded its backend, just before it loads the model.

    The log's times may be UTC's or the place's, which are the same within a quarter of an hour.
    """
    last, window = 0.0, None
    for line in log.read_text(errors="replace").splitlines():
        if stamp := _STAMP.match(line):
            now = (60 * int(stamp[1]) + float(stamp[2])) % _QUARTER_S
            if '"loading: ' in line:
                window = last, now
            last = now
    try:
        made = environment.stat().st_mtime % _QUARTER_S
    except FileNotFoundError:  # another server's, which has ended meanwhile
        return False
    return window is not None and window[0] - _COARSE_S <= made <= window[1]
