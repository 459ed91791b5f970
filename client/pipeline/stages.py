"""Where the time goes, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from client.metrics import STAGES


@dataclass(kw_only=True)
class Stages:
    """Where the time goes: seconds summed by stage, and the frames finished.

    The pipeline adds ``decode``, ``letterbox``, ``infer`` (from a frame's submission to its answer, so frames
    in flight overlap), ``wait`` (how long the pipeline stood still for answers) and ``associate``; a caller may
    add its own, such as ``render``.
    """

    frames: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, stage: str, seconds: float) -> None:
        """Add to a stage; a detector's threads do so too."""
        with self._lock:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        STAGES.labels(stage).observe(seconds)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time that the block takes."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - begun)

    def milliseconds(self) -> dict[str, float]:
        """Mean milliseconds a frame by stage."""
        return {stage: 1000 * seconds / max(1, self.frames) for stage, seconds in self.seconds.items()}
