"""One record a track and one a detection: the tables on which the compiled steps work.

A table is one array, so that a compiled function takes all of it as a single argument, and rows are moved,
copied and dropped whole. Embeddings, whose width is known only when the first one arrives, stand beside it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from client.tracking.compiled import compiled

Array = npt.NDArray[np.float64]
Table = npt.NDArray[Any]  # records
Rows = npt.NDArray[np.int64]  # indices into a table
Embeddings = npt.NDArray[np.float32]

HISTORY = 6  # observations kept of each track


class State(IntEnum):
    """What a track is at the end of a frame."""

    TENTATIVE = 0  # seen once, not shown yet
    TRACKED = 1  # matched in this frame
    LOST = 2  # not matched, remembered for a while


# As plain numbers for compiled code. A track is AWAY when it was lost so long ago that a tracker may want more proof;
# one that is GONE is dropped at the end of the frame.
TENTATIVE, TRACKED, LOST, AWAY, GONE = 0, 1, 2, 3, 4

TRACK = np.dtype(
    [
        ("id", np.int64),  # from 1; 0 until confirmed
        ("state", np.int64),
        ("class", np.int64),
        ("hits", np.int64),  # frames in which it was matched
        ("detection", np.int64),  # row in the caller's detections of the frame in which it was last matched
        ("score", np.float64),  # of that detection
        ("first", np.float64),  # clock, in frames, when it was first seen
        ("since", np.float64),  # clock since when it was shown without a break; infinity: it is not
        ("last", np.float64),  # clock when it was last matched
        ("motion", np.float64, (5, 4)),  # Kalman filters, see client.tracking.motion
        ("box", np.float64, (4,)),  # xyxy, pixels: where these believe the person to be
        ("anchor", np.float64, (5, 4)),  # the filters as they were when it was last matched
        ("seen", np.float64, (HISTORY, 5)),  # its latest observations: xyxy, clock; number k in row k % HISTORY
    ]
)

FOUND = np.dtype(
    [
        ("row", np.int64),  # in the caller's detections
        ("class", np.int64),
        ("score", np.float64),
        ("box", np.float64, (4,)),  # xyxy, pixels
        ("measured", np.float64, (4,)),  # the same in the filters' form
    ]
)

SHOWN = np.dtype(
    [
        ("id", np.int64),
        ("state", np.int8),
        ("class", np.int64),
        ("score", np.float32),
        ("detection", np.int64),  # -1 where not matched in this frame
        ("box", np.float32, (4,)),
    ]
)


@compiled
def copy(source: Any, target: Any) -> None:
    """Write ``source`` over the first numbers of ``target``. Numba takes seconds to compile ``target[:] = source``."""
    for k in range(len(source)):
        target[k] = source[k]
