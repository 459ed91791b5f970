"""What is told of a camera: one event, as JSON."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from client.log_lines import stamp

Kind = Literal["appeared", "left", "crossed", "entered", "exited", "counts", "camera"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that has happened before a camera, or to it."""

    camera: str
    kind: Kind
    time: float  # seconds since 1970, UTC, by this machine's clock
    key: str  # of no other event: who gets one twice, after a retry, can tell
    details: Mapping[str, Any]

    def to_json(self) -> str:
        """One line."""
        values = {"time": stamp(self.time), "camera": self.camera, "event": self.kind, **self.details, "key": self.key}
        return json.dumps(values, ensure_ascii=False, allow_nan=False)


@dataclass(kw_only=True)
class Teller:
    """Makes the events of one camera in one run; an id means one person only within it."""

    camera: str
    run: str  # of this process, in each event's key
    tell: Callable[[Event], None]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self, kind: Kind, time: float, **details: Any) -> None:
        key = f"{self.run}-{self.camera}-{next(self._numbers)}"
        self.tell(Event(camera=self.camera, kind=kind, time=time, key=key, details=details))


def compact(time: float) -> str:
    """``20261126T141503Z``, for names."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y%m%dT%H%M%SZ")
