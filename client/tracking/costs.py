"""What it would cost to give each detection to each track: (R, C) for R tracks and C detections, by their rows.

Pairs of different classes, and those that a gate forbids, cost infinity. ``parts`` are those of a
:class:`client.tracking.moment.Moment`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from client.tracking.compiled import compiled
from client.tracking.moment import Moment, Parts
from client.tracking.motion import spreads, squared_mahalanobis
from client.tracking.records import HISTORY, Array, Embeddings, Rows

Cost = npt.NDArray[np.float64]


@compiled
def iou(a: Array, b: Array, margin: float) -> float:
    """Intersection over union of two boxes, (4,) xyxy; ``margin`` is added to every width and height."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + margin
    height = min(a[3], b[3]) - max(a[1], b[1]) + margin
    if width <= 0 or height <= 0:
        return 0.0
    area_a = (a[2] - a[0] + margin) * (a[3] - a[1] + margin)
    area_b = (b[2] - b[0] + margin) * (b[3] - b[1] + margin)
    return float(width * height / (area_a + area_b - width * height))


@compiled
def cosine_distance(a: Embeddings, b: Embeddings) -> float:
    """Of two embeddings of length 1: 0 where alike, 1 where unrelated; never below 0."""
    total = np.float32(0)
    for k in range(len(a)):
        total += a[k] * b[k]
    distance = 1.0 - float(total)
    return max(0.0, distance)


@compiled
def overlap_cost(parts: Parts, rows: Rows, columns: Rows, fused: bool, observed: bool, far: float) -> Cost:
    """1 - IoU, or, ``fused``, 1 - IoU * score; of where tracks are expected, or where they were last ``observed``.

    IoU is that of :func:`iou`; pairs whose 1 - IoU is not below ``far`` are forbidden.
    """
    moment = Moment(*parts)
    tracks, found, margin = moment.tracks, moment.found, moment.margin
    # Detections as columns of numbers, so that one track's costs come several at a time.
    left, top, right, bottom, area, score = np.empty((6, len(columns)))
    classes = np.empty(len(columns), np.int64)
    for j in range(len(columns)):
        one = found[columns[j]]
        left[j], top[j], right[j], bottom[j] = one["box"]
        area[j] = (right[j] - left[j] + margin) * (bottom[j] - top[j] + margin)
        score[j] = one["score"] if fused else 1.0
        classes[j] = one["class"]
    cost = np.empty((len(rows), len(columns)))
    for i in range(len(rows)):
        track = tracks[rows[i]]
        x1, y1, x2, y2 = track["box"]
        if observed:
            x1, y1, x2, y2, _ = track["seen"][(track["hits"] - 1) % HISTORY]
        own = (x2 - x1 + margin) * (y2 - y1 + margin)
        for j in range(len(columns)):
            width = max(min(x2, right[j]) - max(x1, left[j]) + margin, 0.0)
            height = max(min(y2, bottom[j]) - max(y1, top[j]) + margin, 0.0)
            shared = width * height
            overlap = shared / (own + area[j] - shared)
            cost[i, j] = 1 - score[j] * overlap
            if classes[j] != track["class"] or not 1 - overlap < far:
                cost[i, j] = np.inf
    return cost


@compiled
def overlap_or_embedding_cost(parts: Parts, rows: Rows, columns: Rows, fused: bool, far: float, unlike: float) -> Cost:
    """The lesser of :func:`overlap_cost` and half the cosine distance (BoT-SORT, sec. 3.3).

    Embeddings count only where 1 - IoU is at most ``far`` and half the cosine distance at most ``unlike``.
    """
    moment = Moment(*parts)
    found, known, given = moment.found, moment.known, moment.given
    cost = overlap_cost(parts, rows, columns, False, False, np.inf)
    has_embeddings = known.shape[1] > 0
    for i in range(len(rows)):
        for j in range(len(columns)):
            distance = cost[i, j]
            if fused:
                cost[i, j] = 1 - (1 - distance) * found[columns[j]]["score"]
            if has_embeddings and distance <= far:
                half = cosine_distance(known[rows[i]], given[found[columns[j]]["row"]]) / 2
                if half <= unlike:
                    cost[i, j] = min(cost[i, j], half)
    return cost


@compiled
def embedding_cost(parts: Parts, rows: Rows, columns: Rows, gate: float, weight: float) -> Cost:
    """``weight`` * cosine distance + (1 - ``weight``) * squared Mahalanobis distance, gated by the latter.

    Wang et al., "Towards Real-Time Multi-Object Tracking", 2020, sec. 4.4, as in FairMOT.
    """
    moment = Moment(*parts)
    tracks, found, known, given, noise = moment.tracks, moment.found, moment.known, moment.given, moment.noise
    cost = np.full((len(rows), len(columns)), np.inf)
    precision = np.empty(4)
    for i in range(len(rows)):
        track = tracks[rows[i]]
        motion = track["motion"]
        spreads(motion, noise, precision)
        for k in range(4):
            precision[k] = 1 / precision[k]
        for j in range(len(columns)):
            one = found[columns[j]]
            if track["class"] != one["class"]:
                continue
            distance = squared_mahalanobis(motion, precision, one["measured"])
            if distance <= gate:
                cosine = cosine_distance(known[rows[i]], given[one["row"]])
                cost[i, j] = weight * cosine + (1 - weight) * distance
    return cost


@compiled
def course_cost(parts: Parts, rows: Rows, columns: Rows, inertia: float, delta_t: float, limit: float) -> Cost:
    """1 - IoU, less where a detection lies in the direction in which the track was seen to go.

    Observation-centric momentum (Cao et al., "Observation-Centric SORT", 2023, sec. 4.2): the course of a track is
    the direction between two of its observations, up to ``delta_t`` frames apart. ``inertia`` * score weighs how
    well a detection keeps it. Pairs whose 1 - IoU is not below ``limit`` are forbidden.
    """
    moment = Moment(*parts)
    tracks, found = moment.tracks, moment.found
    cost = overlap_cost(parts, rows, columns, False, False, np.inf)
    for i in range(len(rows)):
        track = tracks[rows[i]]
        hits = track["hits"]
        last = track["seen"][(hits - 1) % HISTORY]
        y, x = _direction(_observed(track, max(hits - 1, 1), last[4] - delta_t), last)
        origin = _observed(track, hits, moment.clock - delta_t)
        for j in range(len(columns)):
            if not cost[i, j] < limit:
                cost[i, j] = np.inf
                continue
            one = found[columns[j]]
            to_y, to_x = _direction(origin, one["box"])
            if hits > 1:
                angle = np.arccos(min(max(y * to_y + x * to_x, -1.0), 1.0))
                cost[i, j] -= inertia * one["score"] * (np.pi / 2 - angle) / np.pi
    return cost


@compiled
def _observed(track: Any, count: int, since: float) -> Array:
    """The earliest of a track's first ``count`` observations that was at ``since`` or later; if none, the last."""
    k = max(track["hits"] - HISTORY, 0)
    while k < count - 1 and track["seen"][k % HISTORY, 4] < since:
        k += 1
    observation: Array = track["seen"][k % HISTORY]
    return observation


@compiled
def _direction(a: Array, b: Array) -> tuple[float, float]:
    """Unit vector, y and x, from the centre of one box to that of another."""
    y, x = (b[1] + b[3] - a[1] - a[3]) / 2, (b[0] + b[2] - a[0] - a[2]) / 2
    length = np.sqrt(x * x + y * y) + 1e-6
    return y / length, x / length
