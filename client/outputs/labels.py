"""Where the labels of a crowd go: beside their boxes, where there is room; the least important ones are left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rectangles = npt.NDArray[np.int64]  # (N, 4) left, top, right, bottom; pixels, right and bottom not included
Size = tuple[int, int]  # width, height, pixels

_PLACES = 8  # that are tried for a label


class LabelLayout:
    """Places the labels of one frame after the other.

    A label keeps its place beside its box from frame to frame, as long as there is room; so it does not hop about.
    """

    def __init__(self) -> None:
        self._places: dict[int, int] = {}  # id -> which of its places a label had

    def place(
        self, ids: list[int], boxes: Rectangles, sizes: list[Size], canvas: Size, taken: Rectangles
    ) -> dict[int, tuple[int, int]]:
        """The (left, top) of each label that has room, by id.

        Args:
            boxes: (N, 4) of the people; those beyond the canvas get no label.
            sizes: of the labels.
            canvas: of the image.
            taken: where no label may be.
        """
        # Whoever is near is seen first, and looked for first.
        heights = boxes[:, 3] - boxes[:, 1]
        order = np.lexsort((np.array(ids), -heights))
        placed = np.concatenate([taken, np.zeros((len(ids), 4), np.int64)])
        count = len(taken)
        found: dict[int, tuple[int, int]] = {}
        places: dict[int, int] = {}
        for row in order.tolist():
            if not _is_seen(boxes[row], canvas):
                continue
            corners = _corners(boxes[row], sizes[row], canvas)
            last = self._places.get(ids[row], 0)
            choice = _first_free([last, *range(_PLACES)], corners, sizes[row], placed[:count])
            if choice is None:
                continue
            left, top = corners[choice].tolist()
            placed[count] = left, top, left + sizes[row][0], top + sizes[row][1]
            count += 1
            found[ids[row]] = (left, top)
            places[ids[row]] = choice
        self._places = places
        return found


def overlap(rectangle: npt.NDArray[np.int64], others: Rectangles) -> npt.NDArray[np.int64]:
    """Square pixels that a rectangle, (4,), has in common with each other one, (N,); for (M, 1, 4) it is (M, N)."""
    width = np.minimum(rectangle[..., 2], others[:, 2]) - np.maximum(rectangle[..., 0], others[:, 0])
    height = np.minimum(rectangle[..., 3], others[:, 3]) - np.maximum(rectangle[..., 1], others[:, 1])
    return np.asarray(width.clip(0) * height.clip(0), np.int64)


def _is_seen(box: npt.NDArray[np.int64], canvas: Size) -> bool:
    return bool(box[0] < canvas[0] and box[1] < canvas[1] and box[2] > 0 and box[3] > 0)


def _corners(box: npt.NDArray[np.int64], size: Size, canvas: Size) -> npt.NDArray[np.int64]:
    """(_PLACES, 2) left and top of the places for a label, the best first, all of them within the canvas."""
    left, top, right, bottom = box.tolist()
    width, height = size
    middle = (left + right - width) // 2
    corners = np.array(
        [
            (left, top - height),
            (right - width, top - height),
            (middle, top - height),
            (right, top),
            (left - width, top),
            (left, bottom),
            (right - width, bottom),
            (middle, top),  # upon the person: better than none
        ]
    )
    return np.asarray(corners.clip(0, np.maximum(0, [canvas[0] - width, canvas[1] - height])), np.int64)


def _first_free(wanted: list[int], corners: npt.NDArray[np.int64], size: Size, placed: Rectangles) -> int | None:
    """The first of the wanted places that touches no label."""
    if not len(placed):
        return wanted[0]
    rectangles = np.concatenate([corners, corners + size], axis=1)
    crossed = overlap(rectangles[:, None], placed).sum(axis=1).tolist()
    return next((choice for choice in wanted if not crossed[choice]), None)
