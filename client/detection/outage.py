"""Whether a server answers, as all calls to it together show, and who is told when it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from client.detection.transport import UnavailableError

_LOOK_EVERY_S = 0.5
_TOLD_AFTER_S = 1.0  # a call that fails and is answered at once when it is repeated is not worth a word
_SLOW_AFTER_S = 5.0  # without a failure: an overloaded server takes its time


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A server that does not answer; as text, what a person reads."""

    address: str
    seconds: float  # so far
    limit_s: float | None  # when calls give up; None: not by a clock
    failing: bool  # False: it has just not said anything yet
    over: bool  # it has answered again

    def __str__(self) -> str:
        if self.over:
            return f"the server at {self.address} is back after {self.seconds:.0f} s"
        if not self.failing:
            return f"no answer from the server at {self.address} for {self.seconds:.0f} s"
        of = "" if self.limit_s is None else f" of {self.limit_s:g}"
        return f"server away, waiting {self.seconds:.0f}{of} s ({self.address})"


class Outages:
    """Counts the calls of all threads, and tells every half second while nothing is answered, once when it is."""

    def __init__(self, address: str, limit_s: float | None, tell: Callable[[Outage], None]) -> None:
        """``tell`` is called in a thread of this object's, or in one that calls."""
        self._address, self._limit_s, self._tell = address, limit_s, tell
        self._lock = threading.Lock()
        self._telling = threading.Lock()  # taken first: nobody hears "away" after "back"
        self._begun: dict[int, float] = {}  # calls under way, by thread
        self._failing_since: float | None = None  # the first failure since the last answer
        self._answered = time.monotonic()
        self._told_since: float | None = None
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="triton-outages", daemon=True)
        self._watcher.start()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around each call: what leaves the block as :class:`UnavailableError` is a failure, all else an answer."""
        thread = threading.get_ident()
        with self._lock:
            self._begun[thread] = time.monotonic()
        try:
            yield
        except UnavailableError:
            with self._lock:
                self._failing_since = self._failing_since or time.monotonic()
            raise
        else:
            self._has_answered()
        finally:
            with self._lock:
                del self._begun[thread]

    def close(self) -> None:
        """Tell nothing more."""
        self._closing.set()
        self._watcher.join()

    def _has_answered(self) -> None:
        with self._lock:
            self._answered, self._failing_since = time.monotonic(), None
            told, self._told_since = self._told_since, None
        if told is not None and not self._closing.is_set():
            with self._telling:
                self._tell(self._outage(self._answered - told, failing=True, over=True))

    def _watch(self) -> None:
        while not self._closing.wait(_LOOK_EVERY_S):
            with self._telling:
                with self._lock:
                    since, failing = self._since()
                    if since is not None and self._told_since is None:
                        self._told_since = since
                if since is not None:
                    self._tell(self._outage(time.monotonic() - since, failing=failing, over=False))

    def _since(self) -> tuple[float | None, bool]:
        """Since when there is something to tell of, if there is, and whether calls have failed."""
        now = time.monotonic()
        if self._failing_since is not None:
            return (self._failing_since if now - self._failing_since >= _TOLD_AFTER_S else None), True
        if self._begun:
            since = max(self._answered, min(self._begun.values()))
            return (since if now - since >= _SLOW_AFTER_S else None), False
        return None, False

    def _outage(self, seconds: float, *, failing: bool, over: bool) -> Outage:
        return Outage(address=self._address, seconds=seconds, limit_s=self._limit_s, failing=failing, over=over)
