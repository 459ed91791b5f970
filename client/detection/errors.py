"""What goes wrong where people are found; apart, so that speaking of it imports nothing heavy."""

from __future__ import annotations

from mot.errors import MotError


class DetectorError(MotError):
    """The network could not be run on a frame; the message names the model or server and the cause."""


class ModelChangedError(DetectorError):
    """The server has another model than the one that a job began with."""
