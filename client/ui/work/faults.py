"""Reasons why a video cannot be tracked, for programs and for people."""

from __future__ import annotations

from typing import Any

from mot.errors import MotError
from mot.files import NO_ROOM


class FaultError(MotError):
    """``kind`` chooses the sentence in the reader's language, ``values`` are named in it; the message is English."""

    def __init__(self, kind: str, message: str, **values: Any) -> None:
        super().__init__(message)
        self.kind, self.values = kind, values


def of_full_disk(error: BaseException | None) -> bool:
    """Whether there was no room for what was written, as the first cause of the error says."""
    while error is not None:
        if getattr(error, "errno", None) in NO_ROOM:  # OSError's and FFmpeg's
            return True
        error = error.__cause__
    return False
