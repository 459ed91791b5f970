"""The queue: jobs on disk, claimed by worker processes under a lease, the users in turn.

A worker renews its lease while it works. When it falls silent, the job is another's; and whatever the lost worker
still does counts for nothing, because every word of a worker's names the attempt that it was given. Clocks may be set:
a lease that seems to be over, or to end too far from now, counts once it has been left so for a while.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from client.ui.store.database import Database
from mot.errors import MotError

State = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Literal["track", "draw"]

LEASE_S = 10.0  # a worker that has been silent for longer is lost
_SURE_S = 3.0  # so long nobody renews a lease that seems to be over: it is, and no clock was set
_MOST_LOSSES = 3  # a job that takes its worker down this often is not tried again
_LIVE = ("queued", "running")

# One query an owner and not one a job: who has fewest running, then who was served longest ago, then who came first.
_NEXT = """
WITH heads AS (SELECT owner, MIN(seq) AS seq FROM jobs WHERE state = 'queued' GROUP BY owner),
     busy AS (SELECT owner, COUNT(*) AS count FROM jobs WHERE state = 'running' GROUP BY owner)
SELECT heads.seq, heads.owner FROM heads LEFT JOIN busy USING (owner) LEFT JOIN turns USING (owner)
ORDER BY COALESCE(busy.count, 0), COALESCE(turns.served, 0), heads.seq LIMIT 1
"""
# Counted on from the times that earlier releases have noted; no clock, which may be set back.
_SERVED = "INSERT OR REPLACE INTO turns VALUES (?, (SELECT COALESCE(MAX(served), 0) + 1 FROM turns))"


class QueueError(MotError):
    """A job cannot be taken; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One row of the queue."""

    id: str
    owner: str
    title: str
    kind: Kind
    spec: str  # client.jobs.spec.JobSpec as JSON
    upload: str | None
    state: State
    created: float
    started: float | None
    ended: float | None
    attempt: int
    published: int | None
    frames: int
    total: int | None
    rate: float | None
    seconds: float | None
    error_kind: str
    error: str

    @property
    def live(self) -> bool:
        """Waits or runs."""
        return self.state in _LIVE


_COLUMNS = ", ".join(Job.__dataclass_fields__)


def _job(row: sqlite3.Row) -> Job:
    return Job(**dict(row))


class JobQueue:
    """All jobs. Methods that take an owner see and touch that person's alone."""

    def __init__(self, database: Database, sure_s: float = _SURE_S) -> None:
        self._database, self._sure_s = database, sure_s
        self._over: dict[tuple[int, float], float] = {}  # since when, by time.monotonic, a job's lease seems to be over

    def add(
        self,
        owner: str,
        *,
        title: str,
        spec: str,
        upload: str | None = None,
        total: int | None = None,
        most: int | None = None,
    ) -> str:
        """Queue one more job; returns its id, which nobody can guess.

        Args:
            most: of one person that may wait or run.

        Raises:
            QueueError: this person has so many already.
        """
        id = secrets.token_hex(16)
        with self._database.transaction() as connection:
            if most is not None:
                live = connection.execute(
                    "SELECT COUNT(*) FROM jobs WHERE owner = ? AND state IN ('queued', 'running')", (owner,)
                ).fetchone()[0]
                if live >= most:
                    raise QueueError(f"{live} jobs wait or run already, and {most} is the limit; wait for one of them")
            connection.execute(
                "INSERT INTO jobs (id, owner, title, kind, spec, upload, total, state, created) "
                "VALUES (?, ?, ?, 'track', ?, ?, ?, 'queued', ?)",
                (id, owner, title, spec, upload, total, time.time()),
            )
        return id

    def of(self, owner: str) -> list[Job]:
        """A person's jobs, the newest first."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM jobs WHERE owner = ? ORDER BY seq DESC", (owner,))
        return [_job(row) for row in rows]

    def get(self, owner: str, id: str) -> Job | None:
        """A person's job."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM jobs WHERE id = ? AND owner = ?", (id, owner))
        return _job(row) if row else None

    # What workers do.

    def waits(self) -> bool:
        """Whether a claim may find something; asks without keeping others from writing."""
        return bool(self._database.rows("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1") or self._silent())

    def _silent(self) -> list[tuple[int, float]]:
        """Number and lease of the jobs whose workers are lost."""
        now, here = time.time(), time.monotonic()
        rows = self._database.rows(
            "SELECT seq, lease FROM jobs WHERE state = 'running' AND NOT lease BETWEEN ? AND ?",
            (now, now + 2 * LEASE_S),
        )
        leases = [(row["seq"], row["lease"]) for row in rows]
        self._over = {each: self._over.get(each, here) for each in leases}
        return [each for each, since in self._over.items() if here - since >= self._sure_s]

    def claim(self, worker: str, lease_s: float = LEASE_S) -> Job | None:
        """Take the next job, or None where there is none."""
        now, silent = time.time(), self._silent()
        with self._database.transaction() as connection:
            statement = "SELECT seq FROM jobs WHERE state = 'running' AND seq = ? AND lease = ?"
            _lose(connection, [seq for seq, lease in silent if connection.execute(statement, (seq, lease)).fetchone()])
            head = connection.execute(_NEXT).fetchone()
            if head is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = 'running', worker = ?, lease = ?, started = ?, attempt = attempt + 1, "
                "frames = 0, rate = NULL, error = '', error_kind = '' WHERE seq = ?",
                (worker, now + lease_s, now, head["seq"]),
            )
            connection.execute(_SERVED, (head["owner"],))
            return _job(connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE seq = ?", (head["seq"],)).fetchone())

    def renew(
        self,
        job: Job,
        *,
        frames: int = 0,
        total: int | None = None,
        rate: float | None = None,
        note: str = "",
        lease_s: float = LEASE_S,
    ) -> bool:
        """Report progress and keep the job for ``lease_s`` more; False where it is the worker's no longer.

        Args:
            note: what the job waits for, shown to its owner.
        """
        return self._as_worker(
            job,
            "lease = ?, frames = ?, total = COALESCE(?, total), rate = ?, error_kind = ?",
            (time.time() + lease_s, frames, total, rate, note),
        )

    def holds(self, job: Job) -> bool:
        """Whether the job is still the worker's: not cancelled, deleted, or given to another."""
        return bool(self._database.row(f"SELECT 1 FROM jobs WHERE {_MINE}", (job.id, job.attempt)))

    def done(self, job: Job, *, frames: int) -> bool:
        """The results of this attempt are whole: show them."""
        now = time.time()
        return self._as_worker(
            job,
            "state = 'done', published = attempt, ended = ?, frames = ?, total = ?, seconds = MAX(0, ? - started), "
            "worker = NULL, error = '', error_kind = ''",
            (now, frames, frames, now),
        )

    def failed(self, job: Job, kind: str, error: str) -> bool:
        """It cannot be done. A drawing that fails leaves the earlier results as they were."""
        state = "done" if job.published is not None else "failed"
        return self._as_worker(
            job,
            "state = ?, ended = ?, worker = NULL, error_kind = ?, error = ?",
            (state, time.time(), kind, error),
        )

    def give_back(self, job: Job, note: str = "") -> bool:
        """Put it where it was in the queue, for the next worker."""
        return self._as_worker(job, "state = 'queued', worker = NULL, lease = NULL, error_kind = ?", (note,))

    def release(self, worker: str) -> None:
        """A worker has died: its jobs are others', at once."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT seq FROM jobs WHERE state = 'running' AND worker = ?", (worker,))
            _lose(connection, [row["seq"] for row in rows.fetchall()])

    def _as_worker(self, job: Job, change: str, values: Sequence[Any]) -> bool:
        return self._database.change(f"UPDATE jobs SET {change} WHERE {_MINE}", (*values, job.id, job.attempt)) == 1

    # What people do.

    def cancel(self, owner: str, id: str) -> bool:
        """Stop it, or take it out of the queue. One that has results (it is drawn anew) keeps them."""
        change = "state = IIF(published IS NULL, 'cancelled', 'done'), ended = ?, worker = NULL, lease = NULL"
        return self._as_owner(owner, id, _LIVE, change, (time.time(),))

    def retry(self, owner: str, id: str) -> bool:
        """Queue it again, at the end."""
        change = (
            "state = 'queued', losses = 0, frames = 0, ended = NULL, created = ?, error = '', error_kind = '', "
            "seq = (SELECT MAX(seq) + 1 FROM jobs)"
        )
        return self._as_owner(owner, id, ("failed", "cancelled"), change, (time.time(),))

    def redraw(self, owner: str, id: str, spec: str) -> bool:
        """Draw its results anew as ``spec`` says, without the network."""
        change = (
            "state = 'queued', kind = 'draw', spec = ?, losses = 0, frames = 0, error = '', error_kind = '', "
            "seq = (SELECT MAX(seq) + 1 FROM jobs)"
        )
        return self._as_owner(owner, id, ("done",), change, (spec,))

    def delete(self, owner: str, id: str) -> bool:
        """Forget it; a worker that has it stops."""
        return self._database.change("DELETE FROM jobs WHERE id = ? AND owner = ?", (id, owner)) == 1

    def _as_owner(self, owner: str, id: str, states: Sequence[str], change: str, values: Sequence[Any]) -> bool:
        marks = ", ".join("?" * len(states))
        statement = f"UPDATE jobs SET {change} WHERE id = ? AND owner = ? AND state IN ({marks})"
        return self._database.change(statement, (*values, id, owner, *states)) == 1


_MINE = "id = ? AND attempt = ? AND state = 'running'"


def _lose(connection: sqlite3.Connection, lost: Sequence[int]) -> None:
    """Jobs without their worker wait again, or have failed where that happens every time."""
    for seq in lost:
        connection.execute(
            "UPDATE jobs SET losses = losses + 1, worker = NULL, lease = NULL, "
            "state = IIF(losses + 1 < ?, 'queued', IIF(published IS NULL, 'failed', 'done')), "
            "error_kind = IIF(losses + 1 < ?, '', 'lost'), "
            "ended = IIF(losses + 1 < ?, NULL, ?), "
            "error = IIF(losses + 1 < ?, '', 'the worker that did this job has died ' || (losses + 1) || ' times') "
            "WHERE seq = ?",
            (*[_MOST_LOSSES] * 3, time.time(), _MOST_LOSSES, seq),
        )
