"""Where the work is done: what processes of this machine and a cluster have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from client.batch.work import Ended, Work


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Work whose worker is gone without an answer."""

    reason: str
    blamed: bool  # on the work: its worker died of it, as far as can be told


class Executor(Protocol):
    """Does work by its key."""

    @property
    def room(self) -> int:
        """How much more work it takes now."""

    @property
    def width(self) -> int:
        """How much of what was submitted can be under way at a time."""

    def submit(self, key: str, work: Work) -> None:
        """Begin it when its turn comes; work that was submitted first begins first."""

    def wait(self, timeout_s: float) -> list[tuple[str, Ended | Lost]]:
        """What has ended since; returns when anything has, or after a while."""

    def kill(self, key: str, reason: str) -> None:
        """End the worker that hangs at this; the answer is :class:`Lost` for that reason, unless it ends meanwhile."""

    def stop(self) -> None:
        """End all of it between two frames; the answers still come."""
