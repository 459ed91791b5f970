"""A piece of POSIX shared memory for images, and what killed processes have left of theirs.

Its name says whose it is: by the namespace of process numbers, the process, and when that began.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import numpy as np

from client.detection.errors import DetectorError

FOLDER = Path("/dev/shm")
_PREFIX = "mot-images-"
_NAME = re.compile(rf"{_PREFIX}(?P<space>\d+)-(?P<pid>\d+)-(?P<begun>\d+)-[0-9a-f]+")


class Region:
    """Room for some images of one size."""

    def __init__(self, shape: tuple[int, ...], count: int) -> None:
        """``shape``: of an image, (H, W, 3), uint8; ``count``: so many."""
        self._shape = (count, *shape)
        self._free = list(range(count))
        self.name = f"{_PREFIX}{_space()}-{os.getpid()}-{_begun(os.getpid())}-{uuid.uuid4().hex[:12]}"

    @contextmanager
    def visible(self) -> Iterator[Self]:
        """Make it, and let others open it by its name within the block.

        Raises:
            DetectorError: this machine has no room, or no such memory.
        """
        path = FOLDER / self.name
        try:
            try:
                self.images = _mapped(path, self._shape)  # (count, H, W, 3)
            except (OSError, AttributeError) as error:  # the latter where there is no fallocate: on macOS
                megabytes = int(np.prod(self._shape)) / 1e6
                raise DetectorError(f"{FOLDER}: {megabytes:.1f} MB of shared memory cannot be had: {error}") from error
            yield self
        finally:
            with suppress(OSError):
                path.unlink()

    def take(self) -> int | None:
        """The place of an image that is free, now lent; None: all are taken. To be called under a lock."""
        return self._free.pop() if self._free else None

    def give_back(self, place: int) -> None:
        """To be called under the same lock."""
        self._free.append(place)


def owner_is_gone(name: str) -> bool:
    """Whether a region was made by a process that has ended; of those we cannot see, nobody knows."""
    found = _NAME.fullmatch(name)
    return found is not None and int(found["space"]) == _space() and found["begun"] != _begun(int(found["pid"]))


def remove_dead_regions() -> None:
    """Remove the names that processes have left which were killed while a server was told of them."""
    for path in FOLDER.glob(f"{_PREFIX}*"):
        if owner_is_gone(path.name):
            with suppress(OSError):  # another user's, or another has been faster
                path.unlink()


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    size = int(np.prod(shape))
    disk = os.statvfs(path.parent)
    if size > disk.f_bavail * disk.f_frsize // 2:  # the model's processes of our own server need room there, too
        raise OSError(errno.ENOSPC, "No space left for more than half of it")
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(file, 0, size)  # where /dev/shm is full, writing later would end this process (SIGBUS)
        return np.frombuffer(mmap.mmap(file, size), np.uint8).reshape(shape)
    finally:
        os.close(file)


def _space() -> int:
    """Names the namespace whose process numbers are ours: containers count for themselves."""
    return Path("/proc/self/ns/pid").stat().st_ino


def _begun(pid: int) -> str:
    """When a process began, in ticks since the machine's start; empty where there is none, or only its exit status."""
    try:
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]  # 3rd and 22nd of proc(5)
