"""One picture of a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture of a video, upright: rotation metadata is already applied."""

    index: int  # from 1, counted in the source: a source read from frame 100 begins with index 100
    image: npt.NDArray[np.uint8]  # (H, W, 3) RGB, C-contiguous; size may change within a source
    time: float  # seconds since the source's first frame
