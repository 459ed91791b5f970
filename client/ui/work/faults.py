"""Reasons why a video cannot be tracked, for programs and for people."""

from __future__ import annotations

from typing import Any

from mot.errors import MotError


class FaultError(MotError):
    """``kind`` chooses the sentence in the reader's language, ``values`` are named in it; the message is English."""

    def __init__(self, kind: str, message: str, **values: Any) -> None:
        super().__init__(message)
        self.kind, self.values = kind, values
