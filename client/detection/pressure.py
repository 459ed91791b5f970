"""How many calls a client has under way at a server whose queue may be full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from client.detection.transport import OverloadedError, UnavailableError


class Pressure:
    """Lets calls through, by additive increase and multiplicative decrease, the rule of TCP.

    A full queue halves the number of calls under way, and each round of answers lets one more through: clients that
    share a server come to equal shares of it (Chiu and Jain, Analysis of the Increase and Decrease Algorithms, 1989),
    and few calls are sent in vain.
    """

    def __init__(self, most: int) -> None:
        """``most``: calls at a time where the server takes them all."""
        self._most, self._limit = most, float(most)
        self._under_way = 0
        self._halvings = 0
        self._closed = False
        self._change = Condition()

    @property
    def limit(self) -> int:
        """Calls that are let through at a time at present, 1 or more."""
        return int(self._limit)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn; within the block is one call.

        Raises:
            UnavailableError: closed while waiting.
        """
        with self._change:
            while self._under_way >= self.limit and not self._closed:
                self._change.wait()
            if self._closed:
                raise UnavailableError("the client has been closed")
            self._under_way += 1
            halvings = self._halvings
        try:
            yield
        except OverloadedError:
            with self._change:
                if halvings == self._halvings:  # else it was sent before the last one, and tells nothing new
                    self._limit = max(1.0, self._limit / 2)
                    self._halvings += 1
            raise
        else:
            with self._change:
                self._limit = min(self._most, self._limit + 1 / self._limit)
        finally:
            with self._change:
                self._under_way -= 1
                self._change.notify_all()

    def close(self) -> None:
        """Whoever waits for a turn gets none."""
        with self._change:
            self._closed = True
            self._change.notify_all()
