"""What killed processes have left behind: a server's folder and its shared memory.

A server's owner holds a lock on each of the two; the kernel gives it back when the owner ends, however it ends. So
whatever can be locked belongs to nobody, also where several containers share a folder and count their processes alike.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
_PREFIX = "mot-triton-"
_LOCK = "lock"
_CLAIMED_WITHIN_S = 1.0  # an owner may not have come to lock what it has just made


class Place:
    """The private folder and the prefix in shared memory of one server; nobody else takes them until :meth:`remove`."""

    def __init__(self) -> None:
        """Claim them in the temporary folder and in ``/dev/shm``, under a name that was never there before."""
        self.name = f"{_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.folder = Path(tempfile.gettempdir(), self.name)
        self.shared_memory_prefix = f"{self.name}-"
        self._locks = ExitStack()
        self.folder.mkdir(mode=0o700)
        for path in (self.folder / _LOCK, SHARED_MEMORY / f"{self.name}-{_LOCK}"):
            file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._locks.callback(os.close, file)
            fcntl.flock(file, fcntl.LOCK_EX)

    def remove_shared_memory(self) -> None:
        """Remove what the server has put there; the claim stays."""
        for region in SHARED_MEMORY.glob(f"{self.shared_memory_prefix}*"):
            if not region.name.endswith(f"-{_LOCK}"):
                region.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove both, and everything in them."""
        self.remove_shared_memory()
        (SHARED_MEMORY / f"{self.name}-{_LOCK}").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._locks.close()


def remove_leftovers() -> None:
    """Remove this user's places whose owners are gone."""
    for lock in SHARED_MEMORY.glob(f"{_PREFIX}*-{_LOCK}"):
        if _is_nobodys(lock):
            for region in SHARED_MEMORY.glob(f"{lock.name.removesuffix(_LOCK)}*"):
                with suppress(OSError):
                    region.unlink()
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        if _is_nobodys(lock):
            shutil.rmtree(lock.parent, ignore_errors=True)


def _is_nobodys(lock: Path) -> bool:
    """Whether a lock is ours to take, as nobody holds it."""
    try:
        file = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(file)
        return found.st_uid == os.getuid() and time.time() - found.st_mtime > _CLAIMED_WITHIN_S
    except OSError:
        return False
    finally:
        os.close(file)
