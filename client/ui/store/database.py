"""The page's SQLite file, shared by all of its processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

from mot.errors import MotError

_BUSY_S = 15.0  # how long to wait for another process's transaction
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,           -- for people: the uploaded file's own name
    kind TEXT NOT NULL,            -- track | draw
    spec TEXT NOT NULL,            -- client.jobs.spec.JobSpec as JSON
    upload TEXT,                   -- id of the upload that it reads; NULL: the sample
    state TEXT NOT NULL,           -- queued | running | done | failed | cancelled
    created REAL NOT NULL,         -- seconds since 1970, as all times
    started REAL,
    ended REAL,
    attempt INTEGER NOT NULL DEFAULT 0, -- counts claims; results of each are in a folder of this number
    losses INTEGER NOT NULL DEFAULT 0,  -- how often its worker was lost
    published INTEGER,             -- the attempt whose results are shown
    worker TEXT,
    lease REAL,                    -- until when the worker may be silent
    frames INTEGER NOT NULL DEFAULT 0,
    total INTEGER,                 -- frames to come, where that is known
    rate REAL,                     -- frames per second
    seconds REAL,                  -- that the job took
    error_kind TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, owner, seq);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, seq);
CREATE TABLE IF NOT EXISTS turns (owner TEXT PRIMARY KEY, served REAL NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,            -- as the browser says it; shown, never used as a path
    suffix TEXT NOT NULL,
    size INTEGER NOT NULL,         -- bytes
    stamp TEXT NOT NULL,           -- by which the browser knows the file again
    state TEXT NOT NULL,           -- receiving | checking | ready | refused
    created REAL NOT NULL,
    touched REAL NOT NULL,
    facts TEXT NOT NULL DEFAULT '{}', -- width, height, frames, seconds, as JSON
    error_kind TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS uploads_by_owner ON uploads (owner, created);
CREATE TABLE IF NOT EXISTS people (
    cookie TEXT PRIMARY KEY,       -- hash of the browser's cookie
    owner TEXT NOT NULL,           -- the same, or of a login
    login TEXT,                    -- issuer and subject
    admitted INTEGER NOT NULL,     -- has given the password or logged in
    created REAL NOT NULL
);
"""


class StoreError(MotError):
    """The page's own files cannot be read or written."""


class Database:
    """One connection for all threads of a process; transactions are short."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")  # in WAL mode a crash loses nothing committed
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path}: cannot be opened: {error}; check the folder given with --data") from error
        self._lock, self._path = RLock(), path

    @contextmanager
    def _held(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone; SQLite's errors become ours."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise StoreError(f"{self._path}: {error}; is the disk full?") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing; other processes see it at its end."""
        with self._held() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.OperationalError):  # a full disk has rolled it back already
                    connection.execute("ROLLBACK")
                raise

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; how many rows it has changed."""
        with self._held() as connection:
            return connection.execute(statement, values).rowcount

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._held() as connection:
            return connection.execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query."""
        return next(iter(self.rows(query, values)), None)

    def close(self) -> None:
        with self._lock:
            self._connection.close()
