"""When a job's turn comes."""

from __future__ import annotations

from dataclasses import dataclass

from client.ui.store.database import Database

_USUAL_RATE = 20.0  # frames per second, until one has been measured
_USUAL_FRAMES = 1000  # of a video of which nothing is known
_RECENT = 10  # finished jobs that tell the rate


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a job stands in the queue."""

    ahead: int  # jobs that come before it
    seconds: float  # until it begins, as far as can be told


def places(database: Database, workers: int) -> dict[str, Place]:
    """The places of all jobs that wait, by id.

    Args:
        workers: 0 where others than this page have them: as many as are seen to work, then.
    """
    running = database.rows("SELECT owner, frames, total, rate FROM jobs WHERE state = 'running'")
    waiting = database.rows(
        "SELECT id, owner, seq, total, COALESCE(served, 0) AS served FROM jobs LEFT JOIN turns USING (owner) "
        "WHERE state = 'queued' ORDER BY seq"
    )
    rate = _rate(database)
    workers = workers or max(1, len(running))
    left = sum(max(0, (row["total"] or _USUAL_FRAMES) - row["frames"]) / (row["rate"] or rate) for row in running)
    busy: dict[str, int] = {}
    for row in running:
        busy[row["owner"]] = busy.get(row["owner"], 0) + 1
    ranked = []
    for row in waiting:  # the order that claims will follow if nothing else comes
        rank = busy.get(row["owner"], 0)
        busy[row["owner"]] = rank + 1
        ranked.append((rank, row["served"], row["seq"], row))
    found = {}
    free = workers - len(running)
    for ahead, (*_, row) in enumerate(sorted(ranked, key=lambda each: each[:3])):
        found[row["id"]] = Place(ahead=ahead, seconds=0.0 if ahead < free else left / workers)
        left += (row["total"] or _USUAL_FRAMES) / rate
    return found


def _rate(database: Database) -> float:
    """Frames per second of the last finished jobs."""
    rows = database.rows(
        "SELECT frames, seconds FROM jobs WHERE state = 'done' AND kind = 'track' AND seconds > 0 "
        "ORDER BY ended DESC LIMIT ?",
        (_RECENT,),
    )
    seconds = sum(row["seconds"] for row in rows)
    return max(0.1, sum(row["frames"] for row in rows) / seconds) if seconds else _USUAL_RATE
