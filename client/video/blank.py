"""Frames without pixels, for who needs none: a sequence whose people are given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from client.video.source import Source
from mot.frame import Frame


class BlankFrames(Source):
    """Frames ``first`` to ``last`` of a sequence; each image is (0, 0, 3)."""

    live = False

    def __init__(self, name: str, *, first: int, last: int, frame_rate: float) -> None:
        self.name, self.frame_rate = name, frame_rate
        self.frame_count: int | None = max(0, last - first + 1)
        self._indices = range(first, last + 1)

    def __iter__(self) -> Iterator[Frame]:
        image = np.zeros((0, 0, 3), np.uint8)
        for index in self._indices:
            yield Frame(index=index, image=image, time=(index - 1) / self.frame_rate)

    def close(self) -> None:
        """Nothing is held."""
