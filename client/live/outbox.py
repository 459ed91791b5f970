"""Events on their way: a queue and a thread for each place they go to, so that none holds up the tracking."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from threading import Condition, Event, Thread
from typing import Protocol

from client.live.event import Event as Told
from client.metrics import DELIVERIES

_MOST_AT_ONCE = 100  # events of one delivery
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between attempts; doubles
_TELL_EVERY_S = 60.0

log = logging.getLogger(__name__)


class DeliveryError(Exception):
    """Events did not arrive; the message says why. ``again``: the same may go well later."""

    def __init__(self, cause: str, *, again: bool = True) -> None:
        super().__init__(cause)
        self.again = again


class Target(Protocol):
    """Where events go."""

    name: str  # in messages and metrics, without secrets

    def deliver(self, events: Sequence[Told]) -> None:
        """Hand over events, in order; returns when they have arrived.

        Raises:
            DeliveryError: they have not.
        """

    def close(self) -> None:
        """Give back connections."""


class Outbox:
    """Hands events to a target in their order; tries again until they arrive.

    At most ``waiting`` events wait: beyond, the oldest go, which is counted and told. An event may arrive twice, where
    an answer was lost: its key tells.
    """

    def __init__(self, target: Target, waiting: int, *, first_pause: float = _FIRST_PAUSE) -> None:
        self._target, self._most, self._first_pause = target, waiting, first_pause
        self._events: deque[Told] = deque()
        self._changed = Condition()
        self._closing = Event()
        self._deadline = 0.0  # by time.monotonic, once it is closing
        self._untold, self._next_word = 0, 0.0
        self.trouble = ""  # why nothing arrives
        self.sent = self.dropped = self.refused = 0
        self._thread = Thread(target=self._run, name=f"tell-{target.name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return self._target.name

    @property
    def waiting(self) -> int:
        return len(self._events)

    def put(self, event: Told) -> None:
        """Take an event; never waits for the target."""
        with self._changed:
            if len(self._events) >= self._most:
                self._events.popleft()
                self._lose(1)
            self._events.append(event)
            self._changed.notify()

    def close(self, grace: float) -> int:
        """Hand over what waits, for ``grace`` seconds at most; returns how many never arrived, of all."""
        with self._changed:
            self._deadline = time.monotonic() + grace
            self._closing.set()
            self._changed.notify()
        self._thread.join(grace + 1)
        with self._changed:
            left = len(self._events)
            self._events.clear()
            self._lose(left)
        if self.dropped or self.refused:
            log.warning("%s: %d events did not arrive", self.name, self.dropped + self.refused)
        return self.dropped + self.refused

    def _run(self) -> None:
        try:
            while batch := self._next():
                self._deliver(batch)
        finally:
            self._target.close()

    def _next(self) -> list[Told]:
        """The oldest events, which stay in the queue until they have arrived; none at the end."""
        with self._changed:
            while not self._events and not self._closing.is_set():
                self._changed.wait()
            if self._closing.is_set() and time.monotonic() >= self._deadline:
                return []
            return list(self._events)[:_MOST_AT_ONCE]

    def _deliver(self, batch: list[Told]) -> None:
        pause = self._first_pause
        while batch:
            try:
                self._target.deliver(batch)
            except DeliveryError as error:
                if not error.again:
                    log.warning("%s: %d events are refused: %s", self.name, len(batch), error)
                    self._count(batch, "refused")
                    return
                self._note(str(error))
                if not self._pause(pause):
                    return
                pause = min(2 * pause, _LONGEST_PAUSE)
                batch = self._still_there(batch)
            else:
                self._note("")
                self._count(batch, "sent")
                return

    def _pause(self, seconds: float) -> bool:
        """Wait before the next attempt; False where there is no time for one."""
        if self._closing.is_set():
            left = self._deadline - time.monotonic()
            time.sleep(max(0.0, min(self._first_pause, left)))
            return left > 0
        self._closing.wait(seconds)
        return True

    def _still_there(self, batch: list[Told]) -> list[Told]:
        """Without those that had to go while it was tried: a target that is back gets the newest."""
        with self._changed:
            kept = {id(event) for event in self._events}
        return [event for event in batch if id(event) in kept] or self._next()

    def _count(self, batch: list[Told], outcome: str) -> None:
        with self._changed:
            done = {id(event) for event in batch}
            while self._events and id(self._events[0]) in done:
                self._events.popleft()
            if outcome == "sent":
                self.sent += len(batch)
            else:
                self.refused += len(batch)
        DELIVERIES.labels(self.name, outcome).inc(len(batch))

    def _note(self, trouble: str) -> None:
        """Say once that nothing arrives, and once that it does again."""
        if trouble and not self.trouble:
            log.warning("%s: events do not arrive: %s; they wait, and are tried again", self.name, trouble)
        elif self.trouble and not trouble:
            log.warning("%s: events arrive again", self.name)
        self.trouble = trouble

    def _lose(self, count: int) -> None:
        self.dropped += count
        self._untold += count
        DELIVERIES.labels(self.name, "dropped").inc(count)
        if count and time.monotonic() >= self._next_word:
            log.warning(
                "%s: more events wait than may, %d; the oldest %d are left out", self.name, self._most, self._untold
            )
            self._untold, self._next_word = 0, time.monotonic() + _TELL_EVERY_S
