"""A piece of an upload on its way to disk, and why one is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mot.errors import MotError
from mot.files import NO_ROOM


class UploadError(MotError):
    """An upload is refused; ``kind`` is its reason for programs, ``values`` are what the sentence names."""

    def __init__(self, kind: str, message: str, status: int, **values: Any) -> None:
        super().__init__(message)
        self.kind, self.status, self.values = kind, status, values


class Appending:
    """One piece on its way to disk; what has arrived stays, whatever happens to the rest."""

    def __init__(self, path: Path, offset: int, size: int) -> None:
        try:
            self._file = path.open("r+b")
            self._file.seek(offset)
        except OSError as error:
            raise no_room(error) from error
        self.offset, self._size = offset, size

    def write(self, data: bytes) -> None:
        """Add to the file.

        Raises:
            UploadError: the disk is full, or more comes than was announced.
        """
        if self.offset + len(data) > self._size:
            raise UploadError("too_large", "more bytes came than were announced", 413, limit=self._size)
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise no_room(error) from error
        self.offset += len(data)

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise no_room(error) from error


def no_room(error: OSError) -> UploadError:
    """The upload's error for one of the disk."""
    if error.errno in NO_ROOM:
        return UploadError("disk_full", "the server's disk is full; what has arrived is kept, try again later", 507)
    return UploadError("disk", f"the server cannot store the file: {error.strerror}", 500)
