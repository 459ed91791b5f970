"""The lease of a job at hand, kept by a thread beside the job's."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

from client.ui.store.database import StoreError
from client.ui.store.jobs import Job, JobQueue
from client.ui.work.watching import JobWatch

_LOOK_S = 0.1  # how soon a cancelled job notices
_RENEW_S = 1.0
_SILENT_S = 3.0  # without a frame: the rate is one of long ago, and perhaps the server is away
_STUCK_S = 30.0  # a job that does not stop within this takes its process with it

log = logging.getLogger(__name__)


class Tending:
    """Within the block, reports progress and stops the job when it is cancelled, deleted, or another worker's."""

    def __init__(
        self, queue: JobQueue, job: Job, watch: JobWatch, stop: Event, away: Callable[[], bool] = lambda: False
    ) -> None:
        """``away``: whether the server that the job waits for gives no answer."""
        self._queue, self._job, self._watch, self._stop, self._away = queue, job, watch, stop, away
        self._over = Event()
        self._thread = Thread(target=self._tend, name="tending", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _tend(self) -> None:
        next_renewal, stuck, begun = 0.0, None, False
        while not self._over.wait(_LOOK_S):
            now = time.monotonic()
            try:
                first = self._watch.frames > 0 and not begun  # somebody waits for the first picture
                if (now >= next_renewal or first) and not self._stop.is_set():
                    begun = self._watch.frames > 0
                    mine = self._renew()
                    next_renewal = now + _RENEW_S
                else:
                    mine = self._queue.holds(self._job)
            except StoreError as error:  # a full disk, for a while
                log.warning("job %s: %s", self._job.id, error)
                continue
            if not mine:
                self._stop.set()
            if self._stop.is_set():
                stuck = stuck or now + _STUCK_S
                if now > stuck:
                    log.error("job %s does not stop; this worker ends", self._job.id)
                    os._exit(1)

    def _renew(self) -> bool:
        watch = self._watch
        silent = time.monotonic() - watch.last_frame > _SILENT_S
        note = "server_away" if silent and self._away() else ""
        return self._queue.renew(
            self._job, frames=watch.frames, total=watch.total, rate=None if silent else watch.rate, note=note
        )
