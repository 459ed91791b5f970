"""Worker processes on this machine; one that dies loses the video it was at, and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Event, Thread, Timer
from types import TracebackType
from typing import Self

from client.batch.executor import Lost
from client.batch.work import Ended, Work, Worker

# Not fork, which copies a process whose other threads stop in mid-air (gRPC's, the bars').
_SPAWN = multiprocessing.get_context("spawn")
_GRACE_S = 30.0  # for a worker to stop between two frames
_STOP, _LEAVE = "stop", "leave"
_NO_MEMORY = 112  # status of a worker that has run out of it, which a new one need not
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass
class _Hand:
    """A worker as it is seen from here."""

    process: BaseProcess
    pipe: Connection
    key: str | None = None  # what it is at
    fault: str = ""  # for which we have killed it


class Processes:
    """Each does one video at a time; from entry to exit."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._hands: list[_Hand] = []
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers; those in the middle of something get a moment for it, unless a user is tired of waiting."""
        for hand in self._hands:
            with suppress(OSError):
                hand.pipe.send(_LEAVE)
        for hand in self._hands:
            hand.process.join(0 if kind is KeyboardInterrupt else _GRACE_S)
            hand.process.kill()
            hand.process.join()
            hand.pipe.close()
        self._hands.clear()

    @property
    def room(self) -> int:
        return self._count - sum(hand.key is not None for hand in self._hands)

    @property
    def width(self) -> int:
        return self._count

    def submit(self, key: str, work: Work) -> None:
        for idle in [hand for hand in self._hands if hand.key is None and not hand.process.is_alive()]:
            self._bury(idle)
        hand = next((each for each in self._hands if each.key is None), None) or self._begin()
        hand.key = key
        with suppress(OSError):  # it dies at this moment: `wait` tells of it
            hand.pipe.send(work)

    def wait(self, timeout_s: float) -> list[tuple[str, Ended | Lost]]:
        busy = [hand for hand in self._hands if hand.key is not None]
        if not busy:
            return []
        ready = wait([hand.pipe for hand in busy], timeout_s)
        return [self._answer(hand) for hand in busy if hand.pipe in ready]

    def kill(self, key: str, reason: str) -> None:
        for hand in self._hands:
            if hand.key == key:
                hand.fault = reason
                hand.process.kill()

    def stop(self) -> None:
        for hand in self._hands:
            with suppress(OSError):
                hand.pipe.send(_STOP)

    def _begin(self) -> _Hand:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs,), name="batch-worker", daemon=True)
        resource_tracker.ensure_running()  # which start() does, too, and whose own start ends the deafness
        with _deaf():
            process.start()
        theirs.close()
        hand = _Hand(process=process, pipe=ours)
        self._hands.append(hand)
        return hand

    def _answer(self, hand: _Hand) -> tuple[str, Ended | Lost]:
        key = hand.key
        assert key is not None
        try:
            answer: Ended | Lost = hand.pipe.recv()
            hand.key = None
        except (EOFError, OSError):
            self._bury(hand)
            answer = Lost(reason=hand.fault or f"its worker {_how(hand.process.exitcode)}", blamed=True)
        return key, answer

    def _bury(self, hand: _Hand) -> None:
        hand.process.join()
        hand.pipe.close()
        self._hands.remove(hand)


def _how(status: int | None) -> str:
    """How a process has ended, in words."""
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        memory = ", as the kernel does where memory runs out" if name == "SIGKILL" else ""
        return f"was killed by signal {-status} ({name}{memory})"
    if status == _NO_MEMORY:
        return "has run out of memory"
    return f"ended with status {status}"


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started within the block hears no Ctrl-C and its kin: they go to the whole group, and we tell it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection) -> None:
    """The worker's life: it ends when it is told to, and stops its video when whoever has started it is gone."""
    inbox: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
    stop = Event()
    Thread(target=_listen, args=(pipe, inbox, stop), name="listening", daemon=True).start()
    worker = Worker()
    try:
        while (work := inbox.get()) is not None:
            ended = worker(work, stop)
            with suppress(OSError):  # nobody listens any more
                pipe.send(ended)
    except MemoryError:
        os._exit(_NO_MEMORY)
    finally:
        worker.close()


def _listen(pipe: Connection, inbox: queue.SimpleQueue[Work | None], stop: Event) -> None:
    with suppress(EOFError, OSError):
        while (message := pipe.recv()) != _LEAVE:
            if message == _STOP:
                stop.set()
            else:
                inbox.put(message)
    stop.set()
    last = Timer(_GRACE_S, os._exit, (1,))  # what hangs in a decoder hears nothing
    last.daemon = True
    last.start()
    inbox.put(None)  # the last: an interpreter that ends starts no thread
