"""Reasons why a video cannot be tracked, for programs and for people."""

from __future__ import annotations

import errno
from typing import Any

from mot.errors import MotError


class FaultError(MotError):
    """``kind`` chooses the sentence in the reader's language, ``values`` are named in it; the message is English."""

    def __init__(self, kind: str, message: str, **values: Any) -> None:
        super().__init__(message)
        self.kind, self.values = kind, values


def of_full_disk(error: BaseException | None) -> bool:
    """Whether there was no room for what was written, as the first cause of the error says."""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):  # OSError's and FFmpeg's
            return True
        error = error.__cause__
    return False
