"""Augmentation: one random affine from source to input, mosaic of four, colour.

Every random choice comes from the generator that is handed in, so a sample depends on nothing but
(seed, epoch, index).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field

from mot.geometry import PAD_VALUE
from training.data.labels import IGNORE

Image = npt.NDArray[np.uint8]


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError("the lower limit is above the upper one")
    return limits


# Checked where a recipe is read.
Probability = Annotated[float, Field(ge=0, le=1)]
Range = Annotated[tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]], AfterValidator(_ascending)]


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """FairMOT's ranges by default (its ``random_affine`` and HSV jitter); the rest is off."""

    rotate: Annotated[float, Field(ge=0, le=180)] = 5.0  # degrees either way
    scale: Range = (0.5, 1.2)
    translate: Annotated[float, Field(ge=0)] = 0.1  # fraction of the side, either way
    shear: Annotated[float, Field(ge=0, lt=45)] = 2.0  # degrees either way, each axis
    flip: Probability = 0.5
    saturation: Range = (0.5, 1.5)
    value: Range = (0.5, 1.5)
    mosaic: Probability = 0.0
    paste: Probability = 0.0  # of people out of another image, see training/data/paste.py; not in a mosaic
    grey: Probability = 0.0
    blur: Probability = 0.0
    min_visible: Probability = 0.1  # a person with less of the box inside is dropped (ignored in a mosaic)
    clip_boxes: bool = False  # cut boxes to the image; FairMOT does so for MOT20 alone


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """An image with its people, boxes in pixels."""

    image: Image  # (H, W, 3) RGB
    boxes: npt.NDArray[np.float32]  # (M, 4) xyxy, pixels
    classes: npt.NDArray[np.int64]  # (M,)
    identities: npt.NDArray[np.int64]  # (M,)


def fit_matrix(source: tuple[int, int], width: int, height: int) -> npt.NDArray[np.float64]:
    """3x3 matrix that centres a source of (width, height) in the output at one scale, as a letterbox does."""
    ratio = min(width / source[0], height / source[1])
    return np.array(
        [[ratio, 0, (width - ratio * source[0]) / 2], [0, ratio, (height - ratio * source[1]) / 2], [0, 0, 1.0]]
    )


def random_matrix(rng: np.random.Generator, config: AugmentConfig, width: int, height: int) -> npt.NDArray[np.float64]:
    """A random rotation, scale, shear, shift and flip about the centre of the output."""
    angle = np.radians(rng.uniform(-config.rotate, config.rotate))
    # Log-uniform: halving is as likely as doubling.
    scale = np.exp(rng.uniform(*np.log(config.scale)))
    shear = np.tan(np.radians(rng.uniform(-config.shear, config.shear, 2)))
    shift = rng.uniform(-config.translate, config.translate, 2) * (width, height)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    mirror = np.diag([-1.0, 1.0, 1.0]) if rng.random() < config.flip else np.eye(3)
    to_origin = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    skew = np.array([[1, shear[0], 0], [shear[1], 1, 0], [0, 0, 1]])
    back = np.array([[1, 0, width / 2 + shift[0]], [0, 1, height / 2 + shift[1]], [0, 0, 1]])
    return np.asarray(back @ skew @ turn @ mirror @ to_origin)


def warp(source: Labelled, matrix: npt.NDArray[np.float64], width: int, height: int) -> Labelled:
    """Image and boxes through one 3x3 affine matrix; boxes become hulls, shrunk a little when rotated."""
    # Continuous coordinates (pixel i covers [i, i+1)) against OpenCV's pixel centres: shift by a half.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centred = np.linalg.inv(half) @ matrix @ half
    image = cv2.warpAffine(
        source.image, centred[:2], (width, height), flags=cv2.INTER_LINEAR, borderValue=(PAD_VALUE,) * 3
    )
    x1, y1, x2, y2 = source.boxes.T
    corners = np.stack([[x1, x2, x1, x2], [y1, y1, y2, y2], np.ones((4, len(x1)))])  # (3, 4, M)
    moved = np.einsum("ij,jkm->ikm", matrix[:2], corners)
    low, high = moved.min(axis=1), moved.max(axis=1)  # (2, M)
    # FairMOT shrinks the hull of a rotated box, because people are no rectangles.
    angle = np.arctan2(matrix[1, 0], matrix[0, 0])
    shrink = np.sqrt(max(abs(np.sin(angle)), abs(np.cos(angle))))
    centre, size = (low + high) / 2, (high - low) * shrink
    boxes = np.concatenate([centre - size / 2, centre + size / 2]).T.astype(np.float32)
    return Labelled(
        image=np.asarray(image, np.uint8), boxes=boxes, classes=source.classes, identities=source.identities
    )


def keep_visible(item: Labelled, region: tuple[int, int, int, int], min_visible: float, *, clip: bool) -> Labelled:
    """Drop people who left ``region`` (x1, y1, x2, y2) or became too small; optionally clip the others to it.

    Where boxes are clipped, people mostly outside are turned into ignored regions: a part of them shows.
    """
    x1, y1, x2, y2 = region
    low, high = np.array([x1, y1], np.float32), np.array([x2, y2], np.float32)
    inside = np.concatenate([np.clip(item.boxes[:, :2], low, high), np.clip(item.boxes[:, 2:], low, high)], axis=1)
    size = item.boxes[:, 2:] - item.boxes[:, :2]
    seen = inside[:, 2:] - inside[:, :2]
    visible = seen.prod(axis=1) / np.maximum(size.prod(axis=1), 1e-6)
    keep = (seen.min(axis=1) > 0) & (size.min(axis=1) > 4)
    classes, identities = item.classes, item.identities
    if clip:
        part = visible < max(min_visible, 0.4)
        classes, identities = np.where(part, IGNORE, classes), np.where(part, -1, identities)
    else:
        keep &= visible > min_visible
    boxes = inside if clip else item.boxes
    return Labelled(image=item.image, boxes=boxes[keep], classes=classes[keep], identities=identities[keep])


def single(rng: np.random.Generator, config: AugmentConfig, source: Labelled, width: int, height: int) -> Labelled:
    """One image, letterboxed and randomly warped."""
    size = (source.image.shape[1], source.image.shape[0])
    matrix = random_matrix(rng, config, width, height) @ fit_matrix(size, width, height)
    item = keep_visible(warp(source, matrix, width, height), (0, 0, width, height), config.min_visible, clip=False)
    if not config.clip_boxes:
        return item
    boxes = np.clip(item.boxes, 0, np.array([width, height, width, height], np.float32))
    keep = (boxes[:, 2:] - boxes[:, :2]).min(axis=1) > 4
    return Labelled(image=item.image, boxes=boxes[keep], classes=item.classes[keep], identities=item.identities[keep])


def mosaic(
    rng: np.random.Generator, config: AugmentConfig, sources: list[Labelled], width: int, height: int
) -> Labelled:
    """Four images around a random centre (YOLOv4's mosaic), each warped on its own and cut to its quadrant."""
    centre_x = int(rng.uniform(0.3, 0.7) * width)
    centre_y = int(rng.uniform(0.3, 0.7) * height)
    canvas = np.empty((height, width, 3), np.uint8)
    parts = []
    quadrants = [
        (0, 0, centre_x, centre_y),
        (centre_x, 0, width, centre_y),
        (0, centre_y, centre_x, height),
        (centre_x, centre_y, width, height),
    ]
    for source, (x1, y1, x2, y2) in zip(sources, quadrants, strict=True):
        # Fill the quadrant: scale so that the source covers it, and place a random part of it there.
        source_height, source_width = source.image.shape[:2]
        ratio = max((x2 - x1) / source_width, (y2 - y1) / source_height)
        left = x1 - rng.uniform(0, 1) * (ratio * source_width - (x2 - x1))
        top = y1 - rng.uniform(0, 1) * (ratio * source_height - (y2 - y1))
        place = np.array([[ratio, 0, left], [0, ratio, top], [0, 0, 1.0]])
        part = warp(source, random_matrix(rng, config, width, height) @ place, width, height)
        part = keep_visible(part, (x1, y1, x2, y2), config.min_visible, clip=True)
        canvas[y1:y2, x1:x2] = part.image[y1:y2, x1:x2]
        parts.append(part)
    return Labelled(
        image=canvas,
        boxes=np.concatenate([part.boxes for part in parts]),
        classes=np.concatenate([part.classes for part in parts]),
        identities=np.concatenate([part.identities for part in parts]),
    )


def recolour(rng: np.random.Generator, config: AugmentConfig, image: Image) -> Image:
    """HSV jitter of saturation and value (FairMOT leaves the hue alone), sometimes grey or blurred."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    for channel, limits in ((1, config.saturation), (2, config.value)):
        table = np.clip(np.arange(256) * rng.uniform(*limits), 0, 255).astype(np.uint8)
        hsv[..., channel] = cv2.LUT(hsv[..., channel], table)
    out = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    if rng.random() < config.grey:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < config.blur:
        out = cv2.GaussianBlur(out, (3, 3), rng.uniform(0.4, 1.2))
    return np.asarray(out, np.uint8)
