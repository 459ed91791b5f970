"""A Ray cluster: one task a video. What Ray knows of a batch is lost with it; records and journal are not."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Event
from types import TracebackType
from typing import Any, Self

from client.batch.executor import Lost
from client.batch.work import Ended, Work, Worker
from client.jobs.spec import JobError
from client.signals import outside_of_handlers

_MOST_SUBMITTED = 10_000  # of which Ray begins the first first, and sees how many machines would be of use
_KNOCK_S = 10.0
_GRACE_S = 30.0  # for a task to stop between two frames


class RayCluster:
    """The cluster's tasks, from entry to exit."""

    def __init__(self, address: str) -> None:
        """``address``: ``auto`` for the cluster of this machine (or ``RAY_ADDRESS``) or ``HOST:PORT``."""
        self._address = address
        self._keys: dict[Any, str] = {}  # by what Ray calls a reference
        self._faults: dict[Any, str] = {}  # of what we have killed, by reference
        self._stopped_at: float | None = None

    def __enter__(self) -> Self:
        """Join the cluster.

        Raises:
            JobError: Ray is not installed, or there is no such cluster.
        """
        try:
            import ray
        except ImportError as error:
            raise JobError("--ray: needs Ray: pip install 'fairmot-mit[batch]'") from error
        self._ray = ray
        self._knock()
        try:
            with _our_signals():
                ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise JobError(
                f"--ray {self._address}: no cluster: {error}; start one with `ray start --head`, or check the address"
            ) from error
        # Ours is the count of the tries: Ray cannot tell a video that kills its worker from a machine that is lost.
        self._task = ray.remote(max_retries=0, num_cpus=1)(_track)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it; what still runs gets a moment to end, unless a user is tired of waiting."""
        if self._keys and kind is not KeyboardInterrupt:
            self.stop()
            while self._keys:
                self.wait(1.0)
        self._ray.shutdown()

    def _knock(self) -> None:
        """Fail at once where nobody listens: Ray itself would ask for minutes, and then end the process."""
        address = os.environ.get("RAY_ADDRESS", "") if self._address == "auto" else self._address
        host, separator, port = address.rpartition("://")[2].rpartition(":")
        if not separator or not port.isdigit():
            return  # Ray looks for one on this machine, or says what is wrong
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S).close()
        except OSError as error:
            raise JobError(
                f"--ray {self._address}: no cluster: {error.strerror or error}; check the address, and that it is up"
            ) from error

    @property
    def room(self) -> int:
        return _MOST_SUBMITTED - len(self._keys)

    @property
    def width(self) -> int:
        resources: Any = self._ray.cluster_resources  # has no types
        return max(1, int(resources().get("CPU", 1)))

    def submit(self, key: str, work: Work) -> None:
        self._keys[self._task.options(name=key).remote(work)] = key

    def wait(self, timeout_s: float) -> list[tuple[str, Ended | Lost]]:
        if not self._keys:
            return []
        if self._stopped_at is not None and time.monotonic() - self._stopped_at > _GRACE_S:
            for reference in self._keys:
                self._ray.cancel(reference, force=True)
        ready, _ = self._ray.wait(list(self._keys), num_returns=1, timeout=timeout_s)
        if ready:  # and whatever else has
            ready, _ = self._ray.wait(list(self._keys), num_returns=len(self._keys), timeout=0)
        return [(self._keys.pop(reference), self._answer(reference)) for reference in ready]

    def kill(self, key: str, reason: str) -> None:
        for reference in [each for each, name in self._keys.items() if name == key]:
            self._faults[reference] = reason
            self._ray.cancel(reference, force=True)

    def stop(self) -> None:
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            for reference in self._keys:
                self._ray.cancel(reference, recursive=False)  # see taken_back; what waits never begins

    def _answer(self, reference: Any) -> Ended | Lost:
        errors = self._ray.exceptions
        fault = self._faults.pop(reference, "")
        try:
            ended: Ended = self._ray.get(reference)
            return ended
        except (errors.TaskCancelledError, errors.WorkerCrashedError) as error:
            if fault:
                return Lost(reason=fault, blamed=True)
            if isinstance(error, errors.TaskCancelledError) or self._stopped_at is not None:  # asked, or made to
                return Ended(state="stopped")
            return Lost(reason=f"its worker has died: {_first_line(error)}", blamed=True)
        except errors.OutOfMemoryError as error:
            return Lost(reason=f"its worker was ended for want of memory: {_first_line(error)}", blamed=True)
        except errors.RayTaskError as error:
            return Lost(reason=f"its worker has failed: {error.cause!r}", blamed=True)
        except errors.RayError as error:  # a node that is lost, a worker that cannot be started
            return Lost(reason=f"its machine was lost: {_first_line(error)}", blamed=False)


def _track(work: Work) -> Ended:
    stop = Event()
    with taken_back(stop):
        return _worker()(work, stop)


@cache
def _worker() -> Worker:
    """This process's, so that its network stays open from task to task."""
    return Worker()


@contextmanager
def taken_back(stop: Event) -> Iterator[None]:
    """Within the block, a task that the cluster takes back stops between two frames.

    Ray interrupts the process as Ctrl-C would. Raised wherever the video's thread is at that moment, the interrupt may
    be swallowed (what a destructor or a callback from C raises is only printed), and the task would go on.
    """
    with outside_of_handlers(stop.set) as set_stop:
        before = signal.signal(signal.SIGINT, lambda *_: set_stop())
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _our_signals() -> Iterator[None]:
    """What is called within the block may set handlers of its own, which end a process with traces: ours come back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
