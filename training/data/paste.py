"""Pasting: people cut out of one training image stand among those of another, and before some of them.

Source: Dwibedi et al., "Cut, Paste and Learn", ICCV 2017 (soft edges, so that the seam is not what is learned).
Labels here are boxes, so the cut is a rounded upright shape within the box. A pasted person keeps the identity.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from training.data.augment import Image, Labelled
from training.data.labels import IGNORE, PERSON

MOST = 3  # people pasted into an image
HIDDEN = 0.85  # whoever is covered by more than this share becomes an ignored region
TALL_ENOUGH = 40  # pixels: smaller people are no good to cut out
LARGEST_ZOOM = 2.0


def paste(rng: np.random.Generator, into: Labelled, donor: Labelled) -> Labelled:
    """Paste one to three whole people of ``donor``, about as tall as somebody in ``into`` and on the same ground.

    Half of them overlap that somebody, who then learns to be seen behind another. Without people to measure by,
    height and place are free. ``into`` is left as it is; it is returned where ``donor`` has nobody to give.
    """
    candidates = whole_people(donor)
    if not len(candidates):
        return into
    result = Labelled(
        image=into.image.copy(), boxes=into.boxes, classes=into.classes.copy(), identities=into.identities.copy()
    )
    models = into.boxes[into.classes == PERSON]
    for row in rng.choice(candidates, size=min(len(candidates), int(rng.integers(1, MOST + 1))), replace=False):
        x1, y1, x2, y2 = donor.boxes[row].astype(int)
        place = _place(rng, models, x2 - x1, y2 - y1, result.image.shape[1], result.image.shape[0])
        if place is None:
            continue
        _blend(result.image, donor.image[y1:y2, x1:x2], place)
        box = np.array(place, np.float32)
        hidden = covered(result.boxes, box) > HIDDEN
        result.classes[hidden], result.identities[hidden] = IGNORE, -1
        result = Labelled(
            image=result.image,
            boxes=np.concatenate([result.boxes, box[None]]),
            classes=np.append(result.classes, PERSON),
            identities=np.append(result.identities, donor.identities[row]),
        )
    return result


def whole_people(source: Labelled) -> npt.NDArray[np.intp]:
    """Rows of people who stand wholly in the image, upright, tall enough and apart from everybody else."""
    height, width = source.image.shape[:2]
    size = source.boxes[:, 2:] - source.boxes[:, :2]
    inside = (source.boxes[:, :2] >= 0).all(axis=1) & (source.boxes[:, 2:] <= (width, height)).all(axis=1)
    upright = (size[:, 0] > 0.2 * size[:, 1]) & (size[:, 0] < 0.7 * size[:, 1])
    hidden = np.stack([covered(source.boxes, box) for box in source.boxes]) if len(size) else np.zeros((0, 0))
    np.fill_diagonal(hidden, 0)
    apart = (hidden.max(axis=0, initial=0) <= 0.15) & (hidden.max(axis=1, initial=0) <= 0.15)
    return np.flatnonzero((source.classes == PERSON) & inside & upright & (size[:, 1] >= TALL_ENOUGH) & apart)


def covered(boxes: npt.NDArray[np.float32], by: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Share of each box's area (N, 4) that one box (4,) covers: (N,)."""
    overlap = np.minimum(boxes[:, 2:], by[2:]) - np.maximum(boxes[:, :2], by[:2])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(overlap.clip(min=0).prod(axis=1) / np.maximum(area, 1e-6), np.float32)


def _place(
    rng: np.random.Generator, models: npt.NDArray[np.float32], cut_width: int, cut_height: int, width: int, height: int
) -> tuple[int, int, int, int] | None:
    """Where a cut goes in an image: x1, y1, x2, y2, wholly inside; None where it would be too small to see."""
    if len(models):
        x1, y1, x2, y2 = models[rng.integers(len(models))]
        tall = (y2 - y1) * rng.uniform(0.75, 1.3)
        bottom = y2 + rng.uniform(-0.15, 0.15) * tall
    else:
        tall = height * rng.uniform(0.15, 0.5)
        bottom = height * rng.uniform(0.5, 1)
    zoom = min(tall / cut_height, LARGEST_ZOOM, 0.9 * height / cut_height, 0.9 * width / cut_width)
    w, h = int(zoom * cut_width), int(zoom * cut_height)
    if min(w, h) < 4:
        return None
    if len(models) and rng.random() < 0.5:
        centre = (x1 + x2) / 2 + rng.uniform(-w, w)
    else:
        centre = rng.uniform(w / 2, width - w / 2)
    left = int(np.clip(centre - w / 2, 0, width - w))
    top = int(np.clip(bottom - h, 0, height - h))
    return left, top, left + w, top + h


def _blend(image: Image, cut: Image, place: tuple[int, int, int, int]) -> None:
    """Resize the cut to its place and lay it over the image, fading out towards its sides."""
    left, top, right, bottom = place
    x = np.linspace(-1, 1, right - left, dtype=np.float32)
    y = np.linspace(-1, 1, bottom - top, dtype=np.float32)[:, None]
    opaque = ((1 - np.abs(x) ** 2.5 - np.abs(y) ** 6) * 3).clip(0, 1)[..., None]  # (h, w, 1)
    shrinks = right - left < cut.shape[1]
    size = (right - left, bottom - top)
    resized = cv2.resize(cut, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    region = image[top:bottom, left:right]
    region[:] = (opaque * resized + (1 - opaque) * region + 0.5).astype(np.uint8)
