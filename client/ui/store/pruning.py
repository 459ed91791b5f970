"""What is removed by itself: old jobs and uploads, the oldest first where there are too many bytes."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from client.ui.settings import Settings
from client.ui.store.database import Database, StoreError
from client.ui.store.jobs import Job, JobQueue

T = TypeVar("T")
_DAY_S = 86_400.0
_HOUR_S = 3_600.0

log = logging.getLogger(__name__)


def prune(database: Database, settings: Settings, now: float | None = None) -> None:
    """Remove finished jobs and unused uploads that are too old, then the oldest of them until the rest is small enough.

    Jobs that wait or run are never removed, nor what they read. Folders that belong to nothing go, too.
    """
    now = time.time() if now is None else now
    oldest = now - settings.limits.keep_days * _DAY_S
    finished = database.rows(
        "SELECT id, COALESCE(ended, created) AS since FROM jobs WHERE state NOT IN ('queued', 'running') ORDER BY since"
    )
    for row in finished:
        if row["since"] < oldest:
            _remove_job(database, settings, row["id"])
    for row in database.rows("SELECT id FROM uploads WHERE touched < ? AND state != 'checking'", (oldest,)):
        _remove_upload(database, settings, row["id"])
    _remove_strangers(database, settings, now)
    total = _size(settings.jobs) + _size(settings.uploads)
    for row in finished:
        if total <= settings.limits.keep_bytes:
            return
        if row["since"] >= oldest:
            total -= _remove_job(database, settings, row["id"])


def delete_job(database: Database, settings: Settings, owner: str, job: Job) -> bool:
    """Forget a person's job, with its files, and its upload where no other job reads it; False where it is gone.

    Raises:
        StoreError: that cannot be noted.
    """
    deleted = _noted(settings, job.id, lambda: JobQueue(database).delete(owner, job.id))
    if deleted:
        _remove(settings.jobs / job.id)
        if job.upload is not None:
            _remove_upload(database, settings, job.upload)
    return deleted


def _noted(settings: Settings, id: str, note: Callable[[], T]) -> T:
    """What ``note`` returns, which removes a job's row; a disk may be too full even for that until its files go."""
    try:
        return note()
    except StoreError:
        _remove(settings.jobs / id)
        return note()


def _remove_job(database: Database, settings: Settings, id: str) -> int:
    size = _size(settings.jobs / id)
    statement = "DELETE FROM jobs WHERE id = ? AND state NOT IN ('queued', 'running') RETURNING upload"

    def note() -> sqlite3.Row | None:
        with database.transaction() as connection:
            row: sqlite3.Row | None = connection.execute(statement, (id,)).fetchone()
            return row

    row = _noted(settings, id, note)
    if row is None:
        return 0
    log.info("job %s removed: it is old, or there is too much", id)
    _remove(settings.jobs / id)
    return size + (_remove_upload(database, settings, row["upload"]) if row["upload"] else 0)


def _remove_upload(database: Database, settings: Settings, id: str) -> int:
    """Unless a job reads it."""
    removed = database.change(
        "DELETE FROM uploads WHERE id = ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE upload = uploads.id)", (id,)
    )
    return _remove(settings.uploads / id) if removed else 0


def _remove_strangers(database: Database, settings: Settings, now: float) -> None:
    """What a lost worker wrote after its job had been deleted, and the like."""
    for folder, table in ((settings.jobs, "jobs"), (settings.uploads, "uploads")):
        known = {row["id"] for row in database.rows(f"SELECT id FROM {table}")}
        for path in folder.glob("*"):
            if path.name not in known and path.stat().st_mtime < now - _HOUR_S:
                _remove(path)


def _remove(folder: Path) -> int:
    size = _size(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return size


def _size(folder: Path) -> int:
    """Bytes of all files in it."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # removed meanwhile
            continue
    return total
