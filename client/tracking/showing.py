"""Which tracks are shown at the end of a frame, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from client.tracking.compiled import compiled
from client.tracking.records import HISTORY, LOST, SHOWN, TRACKED, Array, Table, copy
from client.tracking.rules import Rules

_HIDDEN = 0.6  # share of a box that another covers: who is there is hidden
_INSIDE = 0.5  # share of a box in the picture; who has left more of it is not expected there


@compiled
def show(tracks: Table, clock: float, extent: Array, rules: Rules) -> Table:
    """Confirmed tracks matched in this frame, or not long ago, by ascending id: (M,) of records.SHOWN."""
    shown, box = np.empty(len(tracks), SHOWN), np.empty(4)
    count = 0
    for track in tracks:
        seen = track["state"] == TRACKED
        if not seen and not (track["state"] == LOST and _is_believable(track, tracks, clock, extent, rules)):
            track["since"] = track["since"] if track["state"] < LOST else np.inf
            continue
        track["since"] = min(track["since"], clock)
        copy(track["box"], box)
        if rules.measured and seen:
            copy(track["seen"][(track["hits"] - 1) % HISTORY][:4], box)
        width, height = box[2] - box[0], box[3] - box[1]
        if not (width > 0 and height > 0 and width * height > rules.least_area and width <= rules.widest * height):
            continue
        place = count  # ids nearly ascend: tracks stay in the order in which they began
        while place and shown[place - 1]["id"] > track["id"]:
            shown[place] = shown[place - 1]
            place -= 1
        row = shown[place]
        row["id"], row["state"], row["class"] = track["id"], track["state"], track["class"]
        row["score"], row["detection"] = track["score"], track["detection"] if seen else -1
        for k in range(4):
            row["box"][k] = box[k]
        count += 1
    return shown[:count]


@compiled
def _is_believable(track: Any, tracks: Table, clock: float, extent: Array, rules: Rules) -> bool:
    """Whether a lost person is still where they are expected: soon after, in the picture, behind somebody."""
    lost = clock - track["last"]
    if lost > max(rules.coast, rules.coast_still, rules.coast_hidden) or lost > track["last"] - track["since"]:
        return False
    box, motion = track["box"], track["motion"]
    width = box[2] - box[0]
    if _shared(box, extent) < _INSIDE:
        return False
    if lost <= rules.coast:
        return True
    if lost <= rules.coast_still and np.sqrt(motion[1, 0] ** 2 + motion[1, 1] ** 2) < rules.still * width:
        return True
    if lost <= rules.coast_hidden:
        for other in tracks:
            if other["state"] == TRACKED and _shared(box, other["box"]) >= _HIDDEN:
                return True
    return False


@compiled
def _shared(box: Array, other: Array) -> float:
    """The share of a box that another covers; 0 where it has no area."""
    width, height = min(box[2], other[2]) - max(box[0], other[0]), min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return float(width * height / area) if width > 0 and height > 0 and area > 0 else 0.0
