"""Results made by hand and by hypothesis."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st

from mot.sequence import MotRows

Row = tuple[int, int, float, float, float, float]  # frame, id, left, top, width, height


def rows(given: Iterable[Row]) -> MotRows:
    table = np.array(list(given), np.float64).reshape(-1, 6)
    count = len(table)
    return MotRows(
        frames=table[:, 0].astype(np.int64),
        ids=table[:, 1].astype(np.int64),
        boxes=table[:, 2:],
        scores=np.full(count, 0.5),
        classes=np.ones(count, np.int64),
        visibilities=np.ones(count),
    )


def walk(track: int, frames: Iterable[int], left: float = 0.0, speed: float = 2.0) -> list[Row]:
    """Somebody 20 by 50 pixels who walks to the right; ``left`` is where they are in frame 0."""
    return [(frame, track, left + speed * frame, 100.0, 20.0, 50.0) for frame in frames]


@st.composite
def results(draw: st.DrawFn) -> MotRows:
    """Up to forty rows of four people in thirty frames, in any order."""
    keys = draw(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 4)), unique=True, max_size=40))
    number = st.floats(-1000, 1000).map(lambda value: round(value, 2))
    size = st.floats(1, 500).map(lambda value: round(value, 2))
    return rows((*key, draw(number), draw(number), draw(size), draw(size)) for key in keys)
