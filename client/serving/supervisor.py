"""Keeps a server of our own answering: watches its processes, asks it now and then, restarts it when it is broken.

Triton 2.51 stays "ready" when a model process has died, and every request that falls to that one fails; so a broken
server is ended at once, which is what not being ready means to whoever asks, and started again on the same ports.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from contextlib import suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from client.detection.errors import DetectorError
from client.detection.transport import is_overload
from client.serving.errors import ServerError
from client.serving.server import EmbeddedServer
from mot.errors import MotError

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2  # at the processes
_DOUBTS_EVERY_S = 2.0  # overloaded, calls fail by the dozen
_SETTLES_WITHIN_S = 5.0  # after a restart: clients' old connections fail, gRPC tries new ones every 2 s
_PAUSE_S = 1.0  # after a restart that failed
_LEAVES_WITHIN_S = 2.0  # at the end; an image takes less
# An answer that takes longer than the server's queue may (10 s) and an inference will not come.
_CANARY_DEADLINE_S = 20.0


class Supervisor:
    """Watches a started server from a thread of its own, from entry to exit; the server stays its owner's to stop."""

    def __init__(
        self,
        server: EmbeddedServer,
        *,
        canary_every_s: float | None = None,
        restarts: int = 5,
        within_s: float = 600.0,
        start_timeout_s: float = 60.0,
    ) -> None:
        """Take charge of a server.

        Args:
            server: has been started.
            canary_every_s: how often an image is sent through the model; None: only after :meth:`being_mended`, as
                where the server's one client tells of its calls that fail.
            restarts: how many, also ones that fail, before the server is given up.
            within_s: restarts longer ago than this do not count.
            start_timeout_s: for each restart.
        """
        self._server = server
        self._canary_every_s = canary_every_s
        self._restarts, self._within_s, self._start_timeout_s = restarts, within_s, start_timeout_s
        self._begun: deque[float] = deque()  # when restarts began
        self._lock = Lock()  # of the four below
        self._mending = False
        self._mended = -math.inf  # when
        self._doubted = False
        self._failure = ""
        self._wake, self._closing, self._given_up = Event(), Event(), Event()
        self._thread = Thread(target=self._run, name="triton-supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._wake.set()
        with self._lock:
            mending = self._mending
        if not mending:
            self._thread.join(_LEAVES_WITHIN_S)
        if self._thread.is_alive():
            self._server.kill()  # so that nobody waits for its answer
        self._thread.join()

    def being_mended(self) -> bool:
        """For a client whose call was not answered: whether the server is or was being started again.

        If nothing is visibly wrong with it, it is asked; a later call knows more.

        Raises:
            ServerError: it could not be restarted, or too often.
        """
        with self._lock:
            if self._failure:
                raise ServerError(self._failure)
            if not self._mending and self._server.fault() is None:
                self._doubted = True
                return time.monotonic() - self._mended < _SETTLES_WITHIN_S
        self._wake.set()
        return True

    @property
    def failure(self) -> str:
        """Why the server was given up; nothing while it is not."""
        with self._lock:
            return self._failure

    def watch(self) -> None:
        """Return never: wait until the server is given up.

        Raises:
            ServerError: it is.
        """
        # In turns, because of two signals at a time one may go to another thread, which does not wake this one.
        while not self._given_up.wait(_LOOK_EVERY_S):
            pass
        raise ServerError(self._failure)

    def _run(self) -> None:
        asked = time.monotonic()
        while not self._closing.is_set():
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()
            fault = self._server.fault()
            if fault is None and time.monotonic() - asked >= self._ask_every_s():
                fault = self._canary()
                asked = time.monotonic()
            if fault and not self._closing.is_set() and not self._restart(fault):
                return

    def _ask_every_s(self) -> float:
        with self._lock:
            doubted = self._doubted
        usual = math.inf if self._canary_every_s is None else self._canary_every_s
        return min(_DOUBTS_EVERY_S, usual) if doubted else usual

    def _canary(self) -> str | None:
        """Send an image through the model; what is wrong, if anything is."""
        with self._lock:
            self._doubted = False
        try:
            self._server.infer(_CANARY_DEADLINE_S)
        except DetectorError as error:
            if is_overload(str(error)):  # it works, and has enough to do
                return None
            self._closing.wait(_LOOK_EVERY_S)  # the connections of a process that is killed end before it has
            return self._server.fault() or f"does not infer: {error}"
        except MotError as error:
            return f"answers wrongly: {error}"
        return None

    def _restart(self, fault: str) -> bool:
        """Restart until it succeeds; False when that is hopeless."""
        with self._lock:
            self._mending = True
        self._server.kill()
        begun = time.monotonic()
        while not self._closing.is_set():
            while self._begun and time.monotonic() - self._begun[0] > self._within_s:
                self._begun.popleft()
            if len(self._begun) >= self._restarts:
                return self._give_up(fault)
            self._begun.append(time.monotonic())
            log.warning(
                "the embedded Triton server %s; restart %d of at most %d", fault, len(self._begun), self._restarts
            )
            try:
                self._server.restart(self._start_timeout_s, self._closing)
            except MotError as error:
                fault = f"does not start again: {error}"
                self._closing.wait(_PAUSE_S)
            else:
                with self._lock:
                    self._mending = self._doubted = False
                    self._mended = time.monotonic()
                log.warning("the embedded Triton server is back after %.1f s", time.monotonic() - begun)
                return True
        return False

    def _give_up(self, fault: str) -> bool:
        count = f"{len(self._begun)} restarts in {self._within_s / 60:g} minutes have not helped"
        with self._lock, suppress(OSError):
            self._failure = f"the embedded Triton server {fault}; {count}:\n{self._server.log()}"
        self._given_up.set()
        return False
