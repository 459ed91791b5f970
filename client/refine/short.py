"""Tracks too short to be people."""

from __future__ import annotations

import numpy as np

from mot.sequence import MotRows


def drop_short(rows: MotRows, min_length: int) -> MotRows:
    """The rows of ids that have at least ``min_length`` of them."""
    _, which, counts = np.unique(rows.ids, return_inverse=True, return_counts=True)
    return rows[counts[which] >= min_length]
