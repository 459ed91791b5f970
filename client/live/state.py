"""How a camera fares: what the status page, the metrics and the end of the command say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Literal

from client.metrics import CAMERA_DELAY, CAMERA_DROPPED, CAMERA_FRAMES, CAMERA_LOSSES, CAMERA_PEOPLE, CAMERA_UP

# lost: it did not come back in time; failed: something else has ended it; ended: as its source had announced
Phase = Literal["connecting", "live", "reconnecting", "ended", "stopped", "lost", "failed"]
OVER: frozenset[Phase] = frozenset({"ended", "stopped", "lost", "failed"})
BAD: frozenset[Phase] = frozenset({"lost", "failed"})


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A camera at one moment."""

    name: str
    address: str  # without secrets
    phase: Phase = "connecting"
    cause: str = ""  # why it is not live
    since: float = field(default_factory=time.time)  # of the phase, seconds since 1970
    size: tuple[int, int] | None = None  # width, height
    frame_rate: float | None = None
    frames: int = 0  # tracked
    dropped: int = 0
    losses: int = 0  # how often it was lost
    people: int = 0  # in the last frame
    ids: int = 0  # different people so far
    last: float | None = None  # arrival of the last frame that was tracked, seconds since 1970
    fault: str = ""  # what went wrong with its files last


class CameraState:
    """The state of one camera, written by its threads and read by others."""

    def __init__(self, name: str, address: str, changed: Callable[[Snapshot], None] = lambda _: None) -> None:
        """``changed``: called in the thread that changes the phase."""
        self.name = name
        self._now = Snapshot(name=name, address=address)
        self._changed = changed
        self._lock = Lock()
        for metric in (CAMERA_UP, CAMERA_FRAMES, CAMERA_DROPPED, CAMERA_LOSSES, CAMERA_PEOPLE):
            metric.labels(name)  # so that the first is an increase

    @property
    def snapshot(self) -> Snapshot:
        return self._now

    @property
    def was_live(self) -> bool:
        return self._now.size is not None

    def become(self, phase: Phase, cause: str = "") -> None:
        """Change the phase; one that is over stays what it is, unless it has failed."""
        with self._lock:
            before = self._now
            if before.phase in OVER and phase != "failed":
                return
            if phase == before.phase and cause == before.cause:
                return
            since = before.since if phase == before.phase else time.time()
            lost = phase == "reconnecting" != before.phase
            self._now = replace(before, phase=phase, cause=cause, since=since, losses=before.losses + lost)
            CAMERA_UP.labels(self.name).set(phase == "live")
            CAMERA_LOSSES.labels(self.name).inc(lost)
        if phase != before.phase:
            self._changed(self._now)

    def measured(self, width: int, height: int, frame_rate: float) -> None:
        """The first frame has come."""
        with self._lock:
            self._now = replace(self._now, size=(width, height), frame_rate=frame_rate)

    def dropped(self) -> None:
        """A frame was left out."""
        with self._lock:
            self._now = replace(self._now, dropped=self._now.dropped + 1)
        CAMERA_DROPPED.labels(self.name).inc()

    def tracked(self, people: int, new: int, arrival: float) -> None:
        """A frame was tracked; ``new``: people in it who are seen for the first time."""
        with self._lock:
            now = self._now
            self._now = replace(now, frames=now.frames + 1, people=people, ids=now.ids + new, last=arrival)
        CAMERA_FRAMES.labels(self.name).inc()
        CAMERA_PEOPLE.labels(self.name).set(people)
        CAMERA_DELAY.labels(self.name).set(max(0.0, time.time() - arrival))

    def at_fault(self, fault: str) -> None:
        """Something of its files could not be written."""
        with self._lock:
            self._now = replace(self._now, fault=fault)
