"""Boxes and the one letterbox that labels, inference and drawing share.

Coordinates are continuous: pixel column i covers [i, i+1), so a box that covers the whole image is
(0, 0, width, height) and scaling an image by s scales its boxes by s.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
PAD_VALUE = 127  # FairMOT pads with 127.5; uint8 has no half


@dataclass(frozen=True, kw_only=True)
class Letterbox:
    """Fits a source image into the model's input without distortion, and takes boxes both ways.

    The image is scaled by one ratio, rounded to whole pixels, and centred on grey. Boxes use the true
    scale of each axis (rounded size / source size), so forward and inverse agree exactly.
    """

    source_width: int
    source_height: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.source_width, self.source_height, self.width, self.height) < 1:
            raise ValueError(
                f"cannot fit an image of {self.source_width}x{self.source_height} "
                f"into {self.width}x{self.height} pixels"
            )

    @property
    def resized(self) -> tuple[int, int]:
        """(width, height) of the scaled image inside the input, pixels."""
        ratio = min(self.width / self.source_width, self.height / self.source_height)
        return (
            min(self.width, max(1, round(self.source_width * ratio))),
            min(self.height, max(1, round(self.source_height * ratio))),
        )

    @property
    def offset(self) -> tuple[int, int]:
        """(left, top) of the scaled image inside the input, pixels."""
        width, height = self.resized
        return (self.width - width) // 2, (self.height - height) // 2

    @property
    def scale(self) -> tuple[float, float]:
        """(x, y) input pixels per source pixel."""
        width, height = self.resized
        return width / self.source_width, height / self.source_height

    def apply(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Scale and pad an image: (source_height, source_width, 3) -> (height, width, 3), C-contiguous."""
        if image.shape[:2] != (self.source_height, self.source_width):
            raise ValueError(
                f"image is {image.shape[1]}x{image.shape[0]}, this letterbox was made for "
                f"{self.source_width}x{self.source_height}"
            )
        (width, height), (left, top) = self.resized, self.offset
        scaled = _scaled(image, width, height)
        if (width, height) == (self.width, self.height):
            return scaled
        bottom, right = self.height - top - height, self.width - left - width
        grey = (PAD_VALUE,) * 3
        padded = cv2.copyMakeBorder(scaled, top, bottom, left, right, cv2.BORDER_CONSTANT, value=grey)
        return np.asarray(padded, np.uint8)

    def forward(self, boxes: FloatArray) -> FloatArray:
        """(N, 4) xyxy, source pixels -> (N, 4) xyxy, input pixels."""
        scale = np.array(self.scale * 2, boxes.dtype)
        offset = np.array(self.offset * 2, boxes.dtype)
        return boxes * scale + offset

    def inverse(self, boxes: FloatArray) -> FloatArray:
        """(N, 4) xyxy, input pixels -> (N, 4) xyxy, source pixels."""
        scale = np.array(self.scale * 2, boxes.dtype)
        offset = np.array(self.offset * 2, boxes.dtype)
        return (boxes - offset) / scale


def _scaled(image: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """Resize; when shrinking, every source pixel counts about equally, as with OpenCV's INTER_AREA.

    Plain linear interpolation skips pixels, which costs small people their embeddings, and INTER_AREA is slow
    unless it halves. So halve while that is possible, go on to twice the size that is wanted, and halve again.
    """
    if width >= image.shape[1]:
        return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    while image.shape[1] >= 2 * width and image.shape[0] >= 2 * height:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    if image.shape[:2] == (height, width):
        return image
    twice = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(twice, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def xyxy_to_xywh(boxes: FloatArray) -> FloatArray:
    """(N, 4) corners -> (N, 4) left, top, width, height."""
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def xywh_to_xyxy(boxes: FloatArray) -> FloatArray:
    """(N, 4) left, top, width, height -> (N, 4) corners."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def xyxy_to_xyah(boxes: FloatArray) -> FloatArray:
    """(N, 4) corners -> (N, 4) centre x, centre y, aspect w/h, height: the Kalman filter's measurement."""
    size = boxes[:, 2:] - boxes[:, :2]
    centre = boxes[:, :2] + size / 2
    return np.concatenate([centre, size[:, :1] / size[:, 1:], size[:, 1:]], axis=1)


def xyah_to_xyxy(boxes: FloatArray) -> FloatArray:
    """(N, 4) centre x, centre y, aspect w/h, height -> (N, 4) corners."""
    half = np.stack([boxes[:, 2] * boxes[:, 3], boxes[:, 3]], axis=1) / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def iou_matrix(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union of every pair: (N, 4), (M, 4) xyxy -> (N, M); empty boxes give 0."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(axis=2)
    area_a = np.clip(a[:, 2:] - a[:, :2], 0, None).prod(axis=1)
    area_b = np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1)
    union = area_a[:, None] + area_b[None, :] - overlap
    iou: FloatArray = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return iou
