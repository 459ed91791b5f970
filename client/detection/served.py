"""Which model a server has: what it said at first, and whether that still holds.

A server that is started anew may bring another model, and one may get another while it runs. Rows of two models do not
belong into one result, and a record names one model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from client.detection.errors import ModelChangedError
from mot.contract import ModelSpec

VERSION = "version"


class Served:
    """The model as it was at first; may be asked from several threads."""

    def __init__(self, describe: Callable[[], tuple[ModelSpec, str]], source: str) -> None:
        """``describe`` asks the server for its model and the version of it; ``source`` names both for people.

        Raises:
            MotError: whatever ``describe`` raises.
        """
        self._describe, self._source = describe, source
        self.spec, version = describe()
        self.identity = identity(self.spec, version)
        self._doubts, self._settled = 0, 0  # how many there were, and how many of them are past
        self._lock = threading.Lock()
        self._asking = threading.Lock()

    def doubt(self) -> None:
        """A call has failed: the next that is answered may have been by another server."""
        with self._lock:
            self._doubts += 1

    def settle(self) -> None:
        """After an answer: ask, if there is a doubt.

        Raises:
            MotError: as :meth:`confirm`; the doubt remains.
        """
        if self._settled == self._doubts:
            return
        with self._asking:
            doubts = self._doubts  # what fails while we ask is a new one
            if self._settled != doubts:
                self.confirm()
                self._settled = doubts

    def confirm(self) -> None:
        """Ask the server.

        Raises:
            ModelChangedError: it has another model now.
            MotError: whatever ``describe`` raises.
        """
        now = identity(*self._describe())
        if now != self.identity:
            raise ModelChangedError(
                f"{self._source}: the server has another model now ({', '.join(_differences(self.identity, now))}); "
                "one result cannot have the rows of two, so run the command again: it begins anew with this one"
            )


def identity(spec: ModelSpec, version: str) -> dict[str, str]:
    """All that a server says of a model that can tell it from another."""
    return {**spec.to_metadata(), VERSION: version}


def _differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [f"{key.removeprefix('mot.')} {old.get(key, 'unknown')} -> {new.get(key, 'unknown')}" for key in keys]
