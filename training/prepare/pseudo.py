"""Pseudo-labels: a COCO-trained YOLOX teacher looks at unlabelled images in tiles, at several scales.

Source: YOLOX ``yolox/utils/demo_utils.py`` (decoding of the exported head); the tiling is ours: the teacher's
input is small, so overlapping tiles let it see the small people that a whole street scene would lose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from mot.errors import MotError
from mot.geometry import iou_matrix
from training.data.augment import Image
from training.data.labels import IGNORE, PERSON

Boxes = npt.NDArray[np.float32]
Tile = tuple[int, int, int, int]  # x1, y1, x2, y2; pixels


@dataclass(frozen=True, kw_only=True)
class TeacherConfig:
    """Scores are the teacher's objectness times its probability of a person."""

    person: float = 0.45  # from this score on a box is a person
    ignore: float = 0.15  # from here to ``person`` it is a region without loss
    nms: float = 0.6  # IoU
    tiles: tuple[int, ...] = (1, 2)  # grids of n x n overlapping tiles
    overlap: float = 0.3  # of neighbouring tiles, fraction of a tile


class Teacher:
    """YOLOX as a person detector.

    Raises:
        MotError: the file is missing or no YOLOX export with one image input.
    """

    def __init__(self, path: Path, config: TeacherConfig) -> None:
        remedy = "it should be a YOLOX model trained on COCO, as ONNX"
        if not path.is_file():
            raise MotError(f"{path}: no such file; {remedy}")
        try:
            self.session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise MotError(f"{path}: cannot be loaded ({error}); {remedy}") from error
        tensor = self.session.get_inputs()[0]
        if len(tensor.shape) != 4 or tensor.shape[1] != 3 or tensor.shape[2] != tensor.shape[3]:
            raise MotError(f"{path}: input {tensor.name!r} is {tensor.shape}, expected [1, 3, side, side]; {remedy}")
        self.config = config
        self.name, self.size = tensor.name, int(tensor.shape[2])

    def __call__(self, image: Image) -> npt.NDArray[np.float32]:
        """BGR image (H, W, 3) -> label rows (M, 6): class PERSON or IGNORE, id -1, xc, yc, w, h as fractions."""
        height, width = image.shape[:2]
        grid = tiles(width, height, self.config)
        found = [self._tile(image, tile, flip) for tile in grid for flip in (False, True)]
        boxes = np.concatenate([b for b, _ in found])
        scores = np.concatenate([s for _, s in found])
        keep = suppress(boxes, scores, self.config.nms)
        boxes, scores = boxes[keep], scores[keep]
        centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        classes = np.where((scores >= self.config.person) & ~is_part(boxes), PERSON, IGNORE)
        rows = [classes, np.full(len(boxes), -1), *(centre / (width, height)).T, *(size / (width, height)).T]
        return np.stack(rows, axis=1).astype(np.float32)

    def _tile(self, image: Image, tile: Tile, flip: bool) -> tuple[Boxes, npt.NDArray[np.float32]]:
        """People in one tile, in pixels of the whole image; those cut by an inner border are left to other tiles."""
        x1, y1, x2, y2 = tile
        crop = image[y1:y2, x1:x2]
        ratio = min(self.size / crop.shape[0], self.size / crop.shape[1])
        small = np.asarray(cv2.resize(crop, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_LINEAR), np.uint8)
        if flip:
            small = small[:, ::-1]
        padded = np.full((self.size, self.size, 3), 114, np.float32)
        padded[: small.shape[0], : small.shape[1]] = small
        output = self.session.run(None, {self.name: padded.transpose(2, 0, 1)[None]})[0][0]
        boxes, scores = decode_people(output, self.size, self.config.ignore)
        if flip:
            boxes[:, [0, 2]] = small.shape[1] - boxes[:, [2, 0]]
        boxes = boxes / ratio + np.array([x1, y1, x1, y1], np.float32)
        height, width = image.shape[:2]
        margin = 4.0
        cut = ((boxes[:, 0] < x1 + margin) & (x1 > 0)) | ((boxes[:, 2] > x2 - margin) & (x2 < width - 1))
        cut |= ((boxes[:, 1] < y1 + margin) & (y1 > 0)) | ((boxes[:, 3] > y2 - margin) & (y2 < height - 1))
        boxes = boxes.clip(0, np.array([width, height, width, height], np.float32))
        keep = ~cut & ((boxes[:, 2:] - boxes[:, :2]).min(axis=1) > 2)
        return boxes[keep], scores[keep]


def tiles(width: int, height: int, config: TeacherConfig) -> list[Tile]:
    """x1, y1, x2, y2 of every tile, at least a pixel; each grid covers the whole image."""
    found = []
    for n in config.tiles:
        # n tiles that share (n - 1) overlaps fill a side.
        size_x, size_y = (side / (n - (n - 1) * config.overlap) for side in (width, height))
        lefts, tops = ([i * size * (1 - config.overlap) for i in range(n)] for size in (size_x, size_y))
        spans_x = [(int(x), max(int(x) + 1, round(x + size_x))) for x in lefts]
        spans_y = [(int(y), max(int(y) + 1, round(y + size_y))) for y in tops]
        found += [(x1, y1, x2, y2) for y1, y2 in spans_y for x1, x2 in spans_x]
    return found


def decode_people(output: npt.NDArray[np.float32], size: int, floor: float) -> tuple[Boxes, npt.NDArray[np.float32]]:
    """(cells, 85) raw rows of YOLOX -> boxes (M, 4) xyxy in input pixels and scores (M,) of class person."""
    grids, strides = [], []
    for stride in (8, 16, 32):
        y, x = np.mgrid[: size // stride, : size // stride]
        grids.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((x.size, 1), stride))
    grid, step = np.concatenate(grids), np.concatenate(strides)
    scores = output[:, 4] * output[:, 5]
    centre, half = (output[:, :2] + grid) * step, np.exp(output[:, 2:4]) * step / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    keep = scores >= floor
    return boxes[keep], scores[keep].astype(np.float32)


def is_part(boxes: Boxes) -> npt.NDArray[np.bool_]:
    """(M,) whether a box lies almost wholly in one of more than twice its area: often half a person."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = (high - low).clip(min=0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(((overlap > 0.85 * area[:, None]) & (area[None, :] > 2 * area[:, None])).any(axis=1))


def suppress(boxes: Boxes, scores: npt.NDArray[np.float32], threshold: float) -> list[int]:
    """Indices of boxes that survive non-maximum suppression, best first."""
    overlaps = iou_matrix(boxes, boxes)
    keep: list[int] = []
    for i in np.argsort(-scores, kind="stable").tolist():
        if (overlaps[i, keep] < threshold).all():
            keep.append(i)
    return keep
