"""What goes wrong with a server of our own."""

from __future__ import annotations

from mot.errors import MotError


class ServerError(MotError):
    """The embedded Triton server cannot be started or has stopped; the message says why and what to do."""
