"""Images whose labels leave people out: whom the teacher sees there beside them is no background."""

from __future__ import annotations

import numpy as np

from mot.geometry import iou_matrix
from training.data.labels import IGNORE, PERSON, Labels
from training.prepare.pseudo import is_whole, lies_within, pixel_boxes

SAME = 0.3  # IoU from which a box of the teacher's is somebody who is labelled


def with_regions(labels: Labels, seen: Labels, width: int, height: int) -> Labels:
    """The labels, and a region without loss for every box of the teacher's that is nobody of theirs.

    Args:
        labels, seen: (M, 6) rows.
        width, height: of the image, pixels.
    """
    people, boxes = pixel_boxes(labels, width, height), pixel_boxes(seen, width, height)
    same = iou_matrix(boxes, people).max(axis=1, initial=0) >= SAME
    others = seen[~same & ~lies_within(boxes, people)].copy()
    others[:, 0] = IGNORE
    return np.concatenate([labels, others])


def whole_only(labels: Labels, width: int, height: int) -> Labels:
    """People whose box is no whole upright person's become regions: of data sets that draw visible parts (COCO)."""
    rows = labels.copy()
    people = rows[:, 0] == PERSON
    rows[people & ~is_whole(pixel_boxes(rows, width, height), width, height), 0] = IGNORE
    return rows
