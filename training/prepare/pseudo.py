"""Pseudo-labels: RTMDet looks at unlabelled images at two scales, and what it sees is fused.

A box that only one scale shows gets a low score. Sure boxes of whole people become people, the others regions without
loss: neither a person nor background. That also keeps the teacher's boxes of visible parts (its training had those)
away from a student who is to learn full bodies, as MOTChallenge draws them.

Source of the fusion: Solovyev et al., "Weighted boxes fusion", 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from mot.contract import IMAGENET_MEAN, IMAGENET_STD
from mot.errors import MotError
from mot.geometry import Letterbox, iou_matrix
from training.data.augment import Image
from training.data.labels import IGNORE, PERSON, Labels

Boxes = npt.NDArray[np.float32]  # (M, 4) xyxy, pixels
Scores = npt.NDArray[np.float32]  # (M,)
FLOOR = 0.1  # what is seen with a lower score is not worth keeping
INSIDE = 0.7  # share of a box's area that makes it a part of somebody


@dataclass(frozen=True, kw_only=True)
class TeacherConfig:
    """Scores are means over the views, a view without the box counting as 0."""

    person: float = 0.5  # from this score on a whole box is a person
    ignore: float = 0.18  # from here on a box is at least a region without loss
    nms: float = 0.6  # IoU from which boxes of several views are one person's
    sizes: tuple[tuple[int, int], ...] = ((640, 352), (960, 544))  # of the input, pixels


class Teacher:
    """RTMDet as a person detector.

    Raises:
        MotError: the file is missing or is no RTMDet export with suppression in it.
    """

    def __init__(self, path: Path, config: TeacherConfig) -> None:
        remedy = "it should be OpenMMLab's RTMDet-nano for one class, exported to ONNX with its suppression"
        if not path.is_file():
            raise MotError(f"{path}: no such file; {remedy}")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self._session: Any = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise MotError(f"{path}: cannot be loaded ({error}); {remedy}") from error
        if "dets" not in [tensor.name for tensor in self._session.get_outputs()]:
            raise MotError(f"{path}: no output 'dets'; {remedy}")
        self.config = config
        self._name = self._session.get_inputs()[0].name

    def look(self, image: Image) -> tuple[Boxes, Scores]:
        """BGR image (H, W, 3) -> boxes and scores, best first."""
        return fuse([self._view(image, size) for size in self.config.sizes], self.config.nms, FLOOR)

    def judge(self, boxes: Boxes, scores: Scores, width: int, height: int) -> Labels:
        """Label rows (M, 6) of what was seen: class PERSON or IGNORE, id -1, xc, yc, w, h as fractions.

        What lies within somebody is a part of them and is left out: there, a student may learn that a part is nobody.
        """
        sure = (scores >= self.config.person) & is_whole(boxes, width, height)
        kept = sure | ((scores >= self.config.ignore) & ~lies_within(boxes, boxes[sure]))
        return label_rows(boxes[kept], np.where(sure, PERSON, IGNORE)[kept], width, height)

    def _view(self, image: Image, size: tuple[int, int]) -> tuple[Boxes, Scores]:
        height, width = image.shape[:2]
        letterbox = Letterbox(source_width=width, source_height=height, width=size[0], height=size[1])
        fitted = letterbox.apply(image)
        # The network reads BGR; the statistics are named for RGB.
        pixels = (fitted - np.array(IMAGENET_MEAN[::-1], np.float32)) / np.array(IMAGENET_STD[::-1], np.float32)
        (found,) = self._session.run(["dets"], {self._name: pixels.transpose(2, 0, 1)[None]})
        rows = found[0][found[0][:, 4] >= FLOOR / 2]
        boxes = letterbox.inverse(rows[:, :4]).astype(np.float32)
        boxes = boxes.clip(0, np.array([width, height, width, height], np.float32))
        seen = (boxes[:, 2:] - boxes[:, :2]).min(axis=1) > 2
        return boxes[seen], rows[seen, 4]


def fuse(views: list[tuple[Boxes, Scores]], threshold: float, floor: float) -> tuple[Boxes, Scores]:
    """Boxes of several views as one list: means weighed by score, best first, at least ``floor``.

    A view gives a fused box at most one of its own.
    """
    boxes = np.concatenate([b for b, _ in views])
    scores = np.concatenate([s for _, s in views])
    view = np.repeat(np.arange(len(views)), [len(b) for b, _ in views])
    overlaps = iou_matrix(boxes, boxes)
    free = np.ones(len(boxes), np.bool_)
    fused: list[npt.NDArray[np.float32]] = []
    for best in np.argsort(-scores, kind="stable"):
        if not free[best]:
            continue
        members = []
        for number in range(len(views)):
            own = np.flatnonzero(free & (view == number) & (overlaps[best] >= threshold))
            if len(own):
                members.append(own[overlaps[best, own].argmax()] if number != view[best] else best)
        free[members] = False
        weights = scores[members]
        mean = (boxes[members] * weights[:, None]).sum(axis=0) / weights.sum()
        fused.append(np.append(mean, weights.sum() / len(views)).astype(np.float32))
    rows = np.array(fused, np.float32).reshape(-1, 5)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    rows = rows[rows[:, 4] >= floor]
    return rows[:, :4], rows[:, 4]


def is_whole(boxes: Boxes, width: int, height: int) -> npt.NDArray[np.bool_]:
    """(M,) whether a box may be taken for a whole upright person: MOTChallenge's box then is the teacher's.

    Not so at the image's border, which cuts people; nor where somebody nearer (whose feet are lower) stands before
    them and the box is short; nor for boxes of other than a person's shape, or within a much larger one.
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    margin = 2.0
    inside = (low > margin).all(axis=1) & (high < np.array([width, height]) - margin).all(axis=1)
    size = high - low
    shape = size[:, 1] / np.maximum(size[:, 0], 1e-6)
    overlap = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    shared = overlap.clip(min=0).prod(axis=2)  # (M, M)
    area = size.prod(axis=1)
    share = shared / np.maximum(area[:, None], 1e-6)
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    hidden = (share * nearer).max(axis=1, initial=0)
    part = ((share > 0.85) & (area[None] > 2 * area[:, None])).any(axis=1)
    upright = (shape > np.where(hidden > 0.25, 2.3, 1.7)) & (shape < 4.5)
    return np.asarray(inside & upright & ~part)


def lies_within(boxes: Boxes, people: Boxes) -> npt.NDArray[np.bool_]:
    """(M,) whether a box lies mostly within one of the people's and is much smaller."""
    overlap = np.minimum(boxes[:, None, 2:], people[None, :, 2:]) - np.maximum(boxes[:, None, :2], people[None, :, :2])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None]
    other = (people[:, 2:] - people[:, :2]).prod(axis=1)[None]
    part = overlap.clip(min=0).prod(axis=2) > INSIDE * area
    return np.asarray((part & (area < 0.8 * other)).any(axis=1))


def label_rows(boxes: Boxes, classes: npt.NDArray[Any], width: int, height: int) -> Labels:
    """(M, 6) rows of a label file, ids -1."""
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    rows = [classes, np.full(len(boxes), -1), *(centre / (width, height)).T, *(size / (width, height)).T]
    return np.stack(rows, axis=1).astype(np.float32)


def pixel_boxes(rows: Labels, width: int, height: int) -> Boxes:
    """(M, 4) xyxy, pixels, of label rows."""
    centre, half = rows[:, 2:4] * (width, height), rows[:, 4:6] * (width, height) / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
