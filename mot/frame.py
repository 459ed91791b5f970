"""One picture of a video."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

SQUARE = Fraction(1)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture of a video, upright: rotation metadata is already applied.

    Boxes are in its pixels as they were decoded. Where these are not square (``pixel_aspect``), a player shows the
    picture wider or narrower, and so must whoever draws.
    """

    index: int  # from 1, counted in the source: a source read from frame 100 begins with index 100
    image: npt.NDArray[np.uint8]  # (H, W, 3) RGB, C-contiguous; of one size throughout a source
    time: float  # seconds since the source's first frame; each later than the one before
    pixel_aspect: Fraction = SQUARE  # width / height of a pixel as it is shown
