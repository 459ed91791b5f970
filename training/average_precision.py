"""Average precision of a detector, by COCO's own code."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mot.detections import Detections
from mot.geometry import xyxy_to_xywh
from mot.sequence import MotRows


def average_precision(
    found: dict[int, Detections], truth: MotRows, ignored: npt.NDArray[np.bool_], *, iou: float = 0.5
) -> float:
    """AP at one IoU, per cent, over 101 points of recall (Lin et al., "Microsoft COCO", 2014; ``pycocotools``).

    Args:
        found: detections by frame, boxes in pixels of the original image; a frame not in it is not scored.
        truth: N people to find, and regions that count neither way.
        ignored: (N,) these regions: a detection with half its box inside one is forgotten (COCO's rule for crowds).

    Returns:
        NaN where there is nobody to find.
    """
    inside = np.isin(truth.frames, list(found))
    truth, ignored = truth[inside], ignored[inside]
    if ignored.all():
        return float("nan")
    boxes = np.concatenate([
        np.column_stack([np.full(len(frame), number), xyxy_to_xywh(frame.boxes.astype(np.float64)), frame.scores])
        for number, frame in found.items()
    ])  # (M, 6) frame, left, top, width, height, score  # fmt: skip
    if not len(boxes):
        return 0.0
    with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress
        coco = COCO()
        coco.dataset = {
            "images": [{"id": frame} for frame in found],
            "categories": [{"id": 1}],
            "annotations": list(_annotations(truth, ignored)),
        }
        coco.createIndex()
        rows = np.column_stack([boxes, np.ones(len(boxes))])  # the category
        evaluation = COCOeval(coco, coco.loadRes(rows), "bbox")
        settings = evaluation.params
        settings.iouThrs, settings.maxDets = np.array([iou]), [max(map(len, found.values()))]
        settings.areaRng, settings.areaRngLbl = [[0, np.inf]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    return 100 * float(evaluation.eval["precision"].mean())  # (1, 101, 1, 1, 1)


def _annotations(truth: MotRows, ignored: npt.NDArray[np.bool_]) -> Iterable[dict[str, object]]:
    rows = zip(truth.frames.tolist(), truth.boxes.tolist(), ignored.tolist(), strict=True)
    for number, (frame, box, crowd) in enumerate(rows, start=1):  # 0 would mean "no match"
        area = box[2] * box[3]
        yield {
            "id": number,
            "image_id": frame,
            "category_id": 1,
            "bbox": box,
            "area": area,
            "iscrowd": int(crowd),
        }
