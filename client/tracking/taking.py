"""How a frame's detections are taken: checked, those of enough score, best first."""

from __future__ import annotations

import numpy as np

from client.tracking import motion
from client.tracking.compiled import compiled
from client.tracking.records import Array, Embeddings, Rows, Table, copy

NOT_FINITE, INVERTED = -1, -2


@compiled
def take(
    boxes: Array, scores: Array, embeddings: Embeddings, classes: Rows, least: float, form: int, found: Table
) -> tuple[int, int]:
    """Fill ``found`` with the usable detections, best first, whatever their order was.

    Returns:
        How many there are, and -1; or :data:`NOT_FINITE`; or :data:`INVERTED` and the first row that is so.
    """
    if not _all_finite(boxes, scores, embeddings):
        return NOT_FINITE, 0
    order = np.empty(len(boxes), np.int64)
    count = 0
    for row in range(len(boxes)):
        box = boxes[row]
        if scores[row] < least:
            continue
        if box[2] < box[0] or box[3] < box[1]:
            return INVERTED, row
        if box[2] == box[0] or box[3] == box[1]:
            continue
        # Detectors give the best first, so that each insertion is short.
        place = count
        while place and _better(boxes, scores, row, order[place - 1]):
            order[place] = order[place - 1]
            place -= 1
        order[place] = row
        count += 1
    for k in range(count):
        row, one = order[k], found[k]
        one["row"], one["class"], one["score"] = row, classes[row], scores[row]
        copy(boxes[row], one["box"])
        motion.measure(boxes[row], form, one["measured"])
    return count, -1


@compiled
def _all_finite(boxes: Array, scores: Array, embeddings: Embeddings) -> bool:
    """Whether no number of a frame's detections is NaN or infinite: then each times 0 is 0."""
    total, zeros = 0.0, np.float32(0)
    for row in range(len(boxes)):
        total += scores[row] * 0
        for k in range(4):
            total += boxes[row, k] * 0
        for k in range(embeddings.shape[1]):
            zeros += embeddings[row, k] * np.float32(0)
    return bool(total == 0 and zeros == 0)


@compiled
def _better(boxes: Array, scores: Array, a: int, b: int) -> bool:
    """Whether detection ``a`` comes before ``b``: by score, then by place."""
    if scores[a] != scores[b]:
        return bool(scores[a] > scores[b])
    for k in range(4):
        if boxes[a, k] != boxes[b, k]:
            return bool(boxes[a, k] < boxes[b, k])
    return False
