"""All that the compiled steps of one frame need to know, as a single argument.

Numba takes a microsecond to recognise a NamedTuple that comes from Python, as long as a small step itself, but a
fifth of that for a plain tuple: so steps are called with the plain one, and name its parts by ``Moment(*parts)``.
"""

from __future__ import annotations

from typing import NamedTuple

from client.tracking.records import Embeddings, Table


class Moment(NamedTuple):
    """One frame, from when its detections are taken until its tracks are shown."""

    tracks: Table  # (T,) of records.TRACK; those in use come first, the others are room for those that begin
    found: Table  # (C,) of records.FOUND, best score first
    known: Embeddings  # (T, D) of the tracks, smoothed, length 1; D = 0: there are none
    given: Embeddings  # (N, D) of the detections, by their row in what the caller gave
    clock: float  # frames at the nominal rate
    form: int  # of a measurement, see motion.MotionModel
    noise: Table  # (4,) the same
    margin: float  # pixels added to widths and heights for IoU


Parts = tuple[Table, Table, Embeddings, Embeddings, float, int, Table, float]  # of a Moment
