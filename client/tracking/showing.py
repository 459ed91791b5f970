"""Which tracks are shown at the end of a frame, and where."""

from __future__ import annotations

import numpy as np

from client.tracking.compiled import compiled
from client.tracking.records import HISTORY, LOST, SHOWN, TRACKED, Table, copy
from client.tracking.rules import Rules


@compiled
def show(tracks: Table, clock: float, rules: Rules) -> Table:
    """Confirmed tracks matched in this frame, or not long ago, by ascending id: (M,) of records.SHOWN."""
    shown, box = np.empty(len(tracks), SHOWN), np.empty(4)
    count = 0
    for track in tracks:
        seen = track["state"] == TRACKED
        copy(track["box"], box)
        if not seen:
            x, y = track["motion"][1, 0], track["motion"][1, 1]
            stands = np.sqrt(x * x + y * y) < rules.still * (box[2] - box[0])
            longest = max(rules.coast, rules.coast_still) if stands else rules.coast
            if track["state"] != LOST or clock - track["last"] > longest:
                continue
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
