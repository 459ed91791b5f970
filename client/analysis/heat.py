"""Where people were: a map of the time that their feet spent at each place, and a picture of it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from client.analysis.footsteps import Floats
from mot.sequence import MotRows

Image = npt.NDArray[np.uint8]

_SPREAD = 0.02  # standard deviation of a foot point's blot, parts of the picture's diagonal
_CELLS = 360  # along the picture's longer side: finer than the blots, and quick for any picture
_STRONGEST = 0.75  # opacity of the hottest place


def heat_map(rows: MotRows, width: int, height: int, *, spread: float = _SPREAD) -> npt.NDArray[np.float32]:
    """(h, w) box-frames by place, at most 360 cells along the longer side; they sum to the rows inside the picture.

    Args:
        width: of the picture, pixels; the map covers it wholly.
        spread: how far each foot point is blurred, parts of the diagonal (standard deviation).
    """
    scale = min(1.0, _CELLS / max(width, height))
    columns, lines = max(1, round(width * scale)), max(1, round(height * scale))
    x = rows.boxes[:, 0] + rows.boxes[:, 2] / 2
    y = rows.boxes[:, 1] + rows.boxes[:, 3]
    # Feet on the very edge belong to the last cell: where boxes are cut at the border, these are many.
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    column = np.minimum((x[inside] * columns / width).astype(np.int64), columns - 1)
    line = np.minimum((y[inside] * lines / height).astype(np.int64), lines - 1)
    cells = np.bincount(line * columns + column, minlength=lines * columns).reshape(lines, columns)
    sigma = max(0.1, spread * float(np.hypot(columns, lines)))
    # Reflected at the border, so that nothing is lost there.
    blurred = cv2.GaussianBlur(cells.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)


def draw_heat(image: Image, heat: npt.NDArray[np.float32] | Floats) -> Image:
    """A copy of ``image``, (H, W, 3) RGB, with the map over it: grey where nobody was, then from blue to red.

    The scale is that of the square root, because a single person who stands would leave all others invisible.
    """
    height, width = image.shape[:2]
    share = np.sqrt(np.clip(heat / max(float(heat.max(initial=0)), 1e-9), 0, 1)).astype(np.float32)
    share = np.asarray(cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    levels = np.rint(share * 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    opacity = (_STRONGEST * np.minimum(1, 4 * share))[..., None]
    return np.rint(grey + opacity * (colours.astype(np.float32) - grey)).astype(np.uint8)


def blank(width: int, height: int) -> Image:
    """A light ground for where no frame is at hand."""
    return np.full((height, width, 3), 236, np.uint8)
