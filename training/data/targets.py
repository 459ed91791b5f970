"""Training targets on the stride-4 map. Source: FairMOT ``src/lib/datasets/dataset/jde.py``; CornerNet's radius."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.data.labels import IGNORE


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Of one image, padded to ``max_objects`` rows; lengths in cells."""

    heatmap: npt.NDArray[np.float32]  # (1, H, W): 1 at centres, Gaussians around
    weight: npt.NDArray[np.float32]  # (1, H, W): 0 inside ignored regions, but 1 at every centre
    cells: npt.NDArray[np.int64]  # (M,) y * W + x
    valid: npt.NDArray[np.bool_]  # (M,) whether somebody is to be found there; False for padding
    box: npt.NDArray[np.float32]  # (M, 4) centre to left, top, right, bottom side
    offset: npt.NDArray[np.float32]  # (M, 2) centre within its cell
    identity: npt.NDArray[np.int64]  # (M,) or -1; also of ignored people who are known (valid is False)


def gaussian_radius(height: float, width: float, min_overlap: float = 0.7) -> int:
    """How far a corner may move while IoU stays above ``min_overlap``, in cells.

    CornerNet's formula with its known slip (roots over 2, not 2a), which FairMOT keeps; of its three roots
    the third is always the smallest: ``r = (-1.4 (h+w) + sqrt(1.96 (h+w)^2 + 3.36 w h)) / 2``.
    """
    height, width = math.ceil(height), math.ceil(width)
    b = 2 * min_overlap * (height + width)
    a, c = 4 * min_overlap, (min_overlap - 1) * width * height
    return max(0, int((-b + math.sqrt(b * b - 4 * a * c)) / 2))


def draw_gaussian(heatmap: npt.NDArray[np.float32], x: int, y: int, radius: int) -> None:
    """Put a peak of 1 and a Gaussian of sigma (2r+1)/6 around it into (H, W), combining by maximum."""
    height, width = heatmap.shape
    left, right = max(0, x - radius), min(width, x + radius + 1)
    top, bottom = max(0, y - radius), min(height, y + radius + 1)
    sigma = (2 * radius + 1) / 6
    dx = np.arange(left - x, right - x)
    dy = np.arange(top - y, bottom - y)[:, None]
    bump = np.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)).astype(np.float32)
    region = heatmap[top:bottom, left:right]
    np.maximum(region, bump, out=region)


def make_targets(
    boxes: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    identities: npt.NDArray[np.int64],
    *,
    height: int,
    width: int,
    max_objects: int,
) -> Targets:
    """Targets of one image.

    Args:
        boxes: (M, 4) xyxy in cells, amodal: may leave the map. The centre is clipped to the map, the sides not.
        classes: (M,) PERSON or IGNORE.
        identities: (M,), -1 where unknown.
        height, width: of the map, cells.
    """
    targets = Targets(
        heatmap=np.zeros((1, height, width), np.float32),
        weight=np.ones((1, height, width), np.float32),
        cells=np.zeros(max_objects, np.int64),
        valid=np.zeros(max_objects, np.bool_),
        box=np.ones((max_objects, 4), np.float32),
        offset=np.zeros((max_objects, 2), np.float32),
        identity=np.full(max_objects, -1, np.int64),
    )
    for x1, y1, x2, y2 in boxes[classes == IGNORE]:
        targets.weight[0, max(0, int(y1)) : max(0, math.ceil(y2)), max(0, int(x1)) : max(0, math.ceil(x2))] = 0
    people = classes != IGNORE
    # The nearest (largest) people first, should there be more than max_objects.
    rows = np.flatnonzero(people)
    rows = rows[np.argsort(-(boxes[rows, 3] - boxes[rows, 1]), kind="stable")]
    # An ignored box with an identity is for the embedding alone: a cut-out of a re-identification data set.
    rows = np.concatenate([rows, np.flatnonzero(~people & (identities >= 0))])[:max_objects]
    for row, index in enumerate(rows):
        x1, y1, x2, y2 = boxes[index]
        centre_x = min(max((x1 + x2) / 2, 0), width - 1)
        centre_y = min(max((y1 + y2) / 2, 0), height - 1)
        x, y = int(centre_x), int(centre_y)
        targets.cells[row] = y * width + x
        targets.valid[row] = people[index]
        if people[index]:
            draw_gaussian(targets.heatmap[0], x, y, gaussian_radius(y2 - y1, x2 - x1))
            # A crowd's ignored regions lie over people who are labelled; these must be learned all the same.
            targets.weight[0, y, x] = 1
        targets.box[row] = centre_x - x1, centre_y - y1, x2 - centre_x, y2 - centre_y
        targets.offset[row] = centre_x - x, centre_y - y
        targets.identity[row] = identities[index]
    return targets
