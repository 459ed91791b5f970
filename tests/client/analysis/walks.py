"""People who walk as a test says: foot points frame by frame, 100 pixels tall and 40 wide."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mot.sequence import MotRows

TALL, WIDE = 100.0, 40.0
Foot = tuple[float, float]


def walks(people: Mapping[int, Sequence[Foot] | Mapping[int, Foot]], tall: float = TALL) -> MotRows:
    """Rows of people by id, whose feet are listed from frame 1 on, or given by frame."""
    given = {id: feet if isinstance(feet, Mapping) else dict(enumerate(feet, start=1)) for id, feet in people.items()}
    table = np.array(
        sorted((frame, id, x, y) for id, feet in given.items() for frame, (x, y) in feet.items()), np.float64
    ).reshape(-1, 4)
    x, y, count = table[:, 2], table[:, 3], len(table)
    wide = WIDE * tall / TALL
    return MotRows(
        frames=table[:, 0].astype(np.int64),
        ids=table[:, 1].astype(np.int64),
        boxes=np.stack([x - wide / 2, y - tall, np.full(count, wide), np.full(count, tall)], axis=1),
        scores=np.full(count, 0.5),
        classes=np.ones(count, np.int64),
        visibilities=np.ones(count),
    )


def way(*corners: Foot, speed: float = 10.0) -> list[Foot]:
    """Feet that go from corner to corner on straight lines, about ``speed`` pixels a frame; ends included."""
    feet = [corners[0]]
    for start, end in itertools.pairwise(corners):
        steps = max(1, round(float(np.hypot(end[0] - start[0], end[1] - start[1])) / speed))
        feet += [
            (start[0] + (end[0] - start[0]) * step / steps, start[1] + (end[1] - start[1]) * step / steps)
            for step in range(1, steps + 1)
        ]
    return feet


def without(feet: Sequence[Foot], frames: Iterable[int]) -> dict[int, Foot]:
    """The same walk, not seen in some frames."""
    hidden = set(frames)
    return {frame: foot for frame, foot in enumerate(feet, start=1) if frame not in hidden}
