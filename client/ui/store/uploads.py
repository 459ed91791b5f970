"""Uploads: files that arrive piece by piece, whatever breaks in between, and what is known of them."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from client.ui.settings import Limits
from client.ui.store.appending import Appending, UploadError, no_room
from client.ui.store.database import Database, StoreError
from client.ui.store.names import display_name

State = Literal["receiving", "checking", "ready", "refused"]

VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"})
KINDS = VIDEOS | {".zip"}
_PART = "part"  # a file's name while pieces are missing


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file of a person's."""

    id: str
    owner: str
    name: str
    suffix: str
    size: int
    stamp: str
    state: State
    created: float
    facts: Mapping[str, Any]
    error_kind: str
    error: str


_COLUMNS = ", ".join(Upload.__dataclass_fields__)


def _upload(row: sqlite3.Row) -> Upload:
    values = dict(row)
    values["facts"] = json.loads(values["facts"])
    return Upload(**values)


class Uploads:
    """All uploads. Methods that take an owner see and touch that person's alone."""

    def __init__(self, database: Database, folder: Path, limits: Limits) -> None:
        self._database, self._folder, self._limits = database, folder, limits

    def begin(self, owner: str, name: str, size: int, stamp: str) -> Upload:
        """Expect a file; one that this person has begun to send before is gone on with.

        Args:
            stamp: what the browser knows the file by, so that it finds the place where it stopped.

        Raises:
            UploadError: it is too large, of a wrong kind, or there is no room.
        """
        name = display_name(name)
        suffix = Path(name).suffix.lower()
        self._check(owner, name, suffix, size)
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM uploads WHERE owner = ? AND name = ? AND size = ? AND stamp = ? "
            "AND state = 'receiving' ORDER BY created DESC",
            (owner, name, size, stamp),
        )
        if row:
            return _upload(row)
        id, now = secrets.token_hex(16), time.time()
        try:
            self.path(id).mkdir(parents=True)
            (self.path(id) / _PART).touch()
        except OSError as error:
            shutil.rmtree(self.path(id), ignore_errors=True)
            raise no_room(error) from error
        try:
            self._database.change(
                "INSERT INTO uploads (id, owner, name, suffix, size, stamp, state, created, touched) "
                "VALUES (?, ?, ?, ?, ?, ?, 'receiving', ?, ?)",
                (id, owner, name, suffix, size, stamp, now, now),
            )
        except StoreError:
            shutil.rmtree(self.path(id), ignore_errors=True)
            raise
        upload = self.get(owner, id)
        assert upload
        return upload

    def _check(self, owner: str, name: str, suffix: str, size: int) -> None:
        limits = self._limits
        if suffix not in KINDS:
            kinds = ", ".join(sorted(each[1:] for each in KINDS))
            raise UploadError("kind", f"{name}: files of this kind are not taken; {kinds} are", 415, kinds=kinds)
        if size <= 0:
            raise UploadError("empty", f"{name}: the file is empty", 400)
        if size > limits.file_bytes:
            raise UploadError(
                "too_large",
                f"{name}: {size} bytes are more than the limit of {limits.file_bytes}",
                413,
                limit=limits.file_bytes,
            )
        held = self._database.row(
            "SELECT COALESCE(SUM(size), 0) AS bytes FROM uploads WHERE owner = ? AND state != 'refused'", (owner,)
        )
        if held and held["bytes"] + size > limits.person_bytes:
            raise UploadError(
                "too_many", "delete some of your videos first: together they are too large", 413,
                limit=limits.person_bytes,
            )  # fmt: skip
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            raise no_room(error) from error
        if free - size < limits.free_bytes:
            raise UploadError("disk_full", "the server's disk is full; try again later", 507)

    def append(self, upload: Upload, offset: int) -> Appending:
        """Take the piece that begins at byte ``offset``.

        Raises:
            UploadError: the piece is not the next one, or no piece is expected.
        """
        if upload.state != "receiving":
            raise UploadError("complete", "this file is complete", 409, offset=upload.size)
        have = self.received(upload)
        if offset != have:
            raise UploadError("offset", f"the next piece begins at byte {have}", 409, offset=have)
        return Appending(self.path(upload.id) / _PART, have, upload.size)

    def received(self, upload: Upload) -> int:
        """Bytes that are on disk."""
        if upload.state != "receiving":
            return upload.size
        try:
            return (self.path(upload.id) / _PART).stat().st_size
        except OSError:
            return 0

    def touch(self, upload: Upload) -> bool:
        """Note that somebody still sends; True where the file is complete now, and is to be checked."""
        if self.received(upload) < upload.size:
            self._database.change("UPDATE uploads SET touched = ? WHERE id = ?", (time.time(), upload.id))
            return False
        changed = self._database.change(
            "UPDATE uploads SET state = 'checking', touched = ? WHERE id = ? AND state = 'receiving'",
            (time.time(), upload.id),
        )
        return changed == 1

    def whole(self, upload: Upload) -> Path:
        """The complete file, under its name."""
        part = self.path(upload.id) / _PART
        if part.exists():
            part.rename(self.file(upload))
        return self.file(upload)

    def ready(self, id: str, facts: Mapping[str, Any]) -> None:
        """The file has been looked at, and can be tracked."""
        self._database.change(
            "UPDATE uploads SET state = 'ready', facts = ? WHERE id = ? AND state = 'checking'", (json.dumps(facts), id)
        )

    def refuse(self, id: str, kind: str, error: str) -> None:
        """It cannot be tracked; its bytes are removed, the reason stays until its owner has read it."""
        shutil.rmtree(self.path(id), ignore_errors=True)  # first: a full disk has no room for the note otherwise
        self._database.change(
            "UPDATE uploads SET state = 'refused', error_kind = ?, error = ? WHERE id = ?", (kind, error, id)
        )

    def get(self, owner: str, id: str) -> Upload | None:
        """A person's upload."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM uploads WHERE id = ? AND owner = ?", (id, owner))
        return _upload(row) if row else None

    def of(self, owner: str) -> list[Upload]:
        """A person's uploads, the oldest first."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM uploads WHERE owner = ? ORDER BY created", (owner,))
        return [_upload(row) for row in rows]

    def unused(self, owner: str) -> list[Upload]:
        """A person's uploads that no job reads, the oldest first."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM uploads WHERE owner = ? "
            "AND NOT EXISTS (SELECT 1 FROM jobs WHERE upload = uploads.id) ORDER BY created",
            (owner,),
        )
        return [_upload(row) for row in rows]

    def unchecked(self) -> list[Upload]:
        """Whose check was cut off by the server's end."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM uploads WHERE state = 'checking'")
        return [_upload(row) for row in rows]

    def delete(self, owner: str, id: str) -> bool:
        """Forget it, and its file."""
        if not self._database.change("DELETE FROM uploads WHERE id = ? AND owner = ?", (id, owner)):
            return False
        shutil.rmtree(self.path(id), ignore_errors=True)
        return True

    def path(self, id: str) -> Path:
        """Its folder."""
        return self._folder / id

    def file(self, upload: Upload) -> Path:
        """Its bytes, under a name of ours."""
        return self.path(upload.id) / f"input{upload.suffix}"

    def input(self, upload: Upload) -> Path:
        """What is tracked: the video, or the folder of a zip's images."""
        return self.path(upload.id) / "images" if upload.suffix == ".zip" else self.file(upload)
