"""How far the videos under way have come: by their records, which workers renew wherever they run."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from client.jobs.record import Record, record_path
from client.jobs.spec import JobError, JobSpec

_Mark = tuple[int, int] | None  # of a file's state, to tell it from another one; None: there is none


@dataclass
class _Course:
    mark: _Mark
    changed: float | None = None  # by time.monotonic; None: no worker has begun
    frames: int = 0


class Progress:
    """Of each video: the frames that are done, and since when nothing has happened.

    Time counts from the first record that a worker writes, as nobody knows when a cluster begins with what it was
    given. Whoever waits for a server renews the record, too (:func:`renew`): that is not the video's fault.
    """

    def __init__(self) -> None:
        self._courses: dict[str, _Course] = {}

    def begin(self, key: str, job: JobSpec) -> None:
        """A worker will get this video; a record of an earlier one says nothing."""
        self._courses[key] = _Course(mark=_mark(_path(job)))

    def end(self, key: str) -> None:
        del self._courses[key]

    def look(self, key: str, job: JobSpec) -> tuple[int, float]:
        """Frames done, and seconds without a sign of life."""
        course, mark = self._courses[key], _mark(_path(job))
        if mark is not None and mark != course.mark:
            course.mark, course.changed = mark, time.monotonic()
            with suppress(JobError):  # it is on its way out
                record = Record.read(job.output, job.name, done=False)
                course.frames = record.frames if record else course.frames
        return course.frames, 0.0 if course.changed is None else time.monotonic() - course.changed


def renew(job: JobSpec) -> None:
    """Say that a job's worker is alive, and waits for somebody else."""
    with suppress(OSError):
        os.utime(_path(job))


def _path(job: JobSpec) -> Path:
    return record_path(job.output, job.name, done=False)


def _mark(path: Path) -> _Mark:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
