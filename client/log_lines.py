"""Log lines for machines: a JSON object an event, with the job and the frame that it belongs to."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

FORM = "MOT_LOG"  # in the environment: text or json, for programs that `mot` starts

_about: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)
_events = logging.getLogger("mot")


@contextmanager
def about(**fields: Any) -> Iterator[dict[str, Any]]:
    """Within the block, in this thread, every line has these fields; they may be changed in what is yielded.

    Those of an outer block stay as they are.
    """
    here = {**fields, **(_about.get() or {})}
    token = _about.set(here)
    try:
        yield here
    finally:
        _about.reset(token)


def event(message: str, level: str = "info", **fields: Any) -> None:
    """One line, where lines are for machines; nothing elsewhere."""
    _events.log(logging.getLevelNamesMapping()[level.upper()], message, extra={"fields": fields})


def stamp(time: float) -> str:
    """Seconds since 1970 as ``2026-11-26T14:15:03.250Z``."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonLines(logging.Formatter):
    """Each record as one line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **(_about.get() or {}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def begin_json_lines() -> logging.Handler:
    """Write to standard error what is logged from now on, the program's own events from level info on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    _events.setLevel(logging.INFO)
    return handler


def end_json_lines(handler: logging.Handler) -> None:
    _events.setLevel(logging.NOTSET)
    logging.getLogger().removeHandler(handler)
