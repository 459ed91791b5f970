"""How tracks are corrected, begin, end and are shown: compiled steps over the tables of one frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from client.tracking import motion
from client.tracking.assignment import assign
from client.tracking.compiled import compiled
from client.tracking.costs import Embeddings, Rows, Table, iou
from client.tracking.records import GONE, HISTORY, LOST, SHOWN, TENTATIVE, TRACKED

Array = npt.NDArray[np.float64]

NOT_FINITE, INVERTED = -1, -2
STILL = 0.4  # widths per second; people who stand are slower


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
        motion.copy(boxes[row], one["box"])
        motion.measure(boxes[row], form, one["measured"])
    return count, -1


@compiled
def _all_finite(boxes: Array, scores: Array, embeddings: Embeddings) -> bool:
    """Whether no number of a frame's detections is NaN or infinite: then each times 0 is 0."""
    total, looks = 0.0, np.float32(0)
    for row in range(len(boxes)):
        total += scores[row] * 0
        for k in range(4):
            total += boxes[row, k] * 0
        for k in range(embeddings.shape[1]):
            looks += embeddings[row, k] * np.float32(0)
    return bool(total == 0 and looks == 0)


@compiled
def _better(boxes: Array, scores: Array, a: int, b: int) -> bool:
    """Whether detection ``a`` comes before ``b``: by score, then by place."""
    if scores[a] != scores[b]:
        return bool(scores[a] > scores[b])
    for k in range(4):
        if boxes[a, k] != boxes[b, k]:
            return bool(boxes[a, k] < boxes[b, k])
    return False


@compiled
def rows_of(tracks: Table, states: int) -> Rows:
    """Rows of the tracks in some states, given as the sum of 1 << state."""
    rows = np.empty(len(tracks), np.int64)
    count = 0
    for row in range(len(tracks)):
        if states >> tracks[row]["state"] & 1:
            rows[count] = row
            count += 1
    return rows[:count]


@compiled
def only(tracks: Table, rows: Rows, state: int) -> Rows:
    """Those of some rows that are in a state."""
    kept = np.empty(len(rows), np.int64)
    count = 0
    for row in rows:
        if tracks[row]["state"] == state:
            kept[count] = row
            count += 1
    return kept[:count]


@compiled
def match(
    tracks: Table,
    found: Table,
    features: Embeddings,
    embeddings: Embeddings,
    rows: Rows,
    columns: Rows,
    cost: Array,
    limit: float,
    clock: float,
    momentum: float,
    form: int,
    noise: Table,
    rewind: bool,
) -> tuple[Rows, Rows]:
    """Assign detections to tracks and correct these; returns the tracks and detections left over.

    Args:
        rows, columns: of the tracks and detections that ``cost`` is about.
        momentum: share of the old embedding in the smoothed one; with 1 nothing is learnt.
        rewind: replace what a lost track's filters believed meanwhile (see :func:`retrace`).
    """
    taken = assign(cost, limit)
    free_rows, free_columns = np.empty(len(rows), np.int64), np.empty(len(columns), np.int64)
    is_free = np.ones(len(columns), np.bool_)
    count = 0
    for i in range(len(rows)):
        if taken[i] < 0:
            free_rows[count] = rows[i]
            count += 1
            continue
        is_free[taken[i]] = False
        track, one = tracks[rows[i]], found[columns[taken[i]]]
        if rewind and track["state"] == LOST:
            retrace(track, one["box"], clock, form, noise)
        motion.correct(track["motion"], one["measured"], noise)
        _remember(track, one, clock, form)
        track["state"] = TRACKED
        if momentum < 1:
            _learn(features[rows[i]], embeddings[one["row"]], momentum)
    left = 0
    for j in range(len(columns)):
        if is_free[j]:
            free_columns[left] = columns[j]
            left += 1
    return free_rows[:count], free_columns[:left]


@compiled
def retrace(track: Any, box: Array, clock: float, form: int, noise: Table) -> None:
    """Observation-centric re-update (Cao et al., "Observation-Centric SORT", 2023, sec. 4.1).

    The filters go back to the last observation and then see the person on the straight way to the new one,
    as predicted up to ``clock`` but not yet corrected.
    """
    filters, gap = track["motion"], clock - track["last"]
    steps = max(1, int(np.round(gap)))
    for row in range(len(filters)):
        motion.copy(track["anchor"][row], filters[row])
    last = track["seen"][(track["hits"] - 1) % HISTORY]
    between, measured = np.empty(4), np.empty(4)
    for step in range(1, steps + 1):
        motion.advance(filters, noise, gap / steps)
        if step < steps:
            for k in range(4):
                between[k] = last[k] + (box[k] - last[k]) * step / steps
            motion.measure(between, form, measured)
            motion.correct(filters, measured, noise)


@compiled
def _remember(track: Any, one: Any, clock: float, form: int) -> None:
    """Note a detection as the track's latest, whose filters have seen it."""
    seen = track["seen"][track["hits"] % HISTORY]
    motion.copy(one["box"], seen)
    seen[4] = clock
    track["hits"] += 1
    track["last"], track["score"], track["detection"] = clock, one["score"], one["row"]
    for row in range(len(track["anchor"])):
        motion.copy(track["motion"][row], track["anchor"][row])
    motion.locate(track["motion"], form, track["box"])


@compiled
def _learn(feature: Embeddings, embedding: Embeddings, momentum: float) -> None:
    """Move a smoothed embedding towards a new one; its length stays 1."""
    total = np.float32(0)
    for k in range(len(feature)):
        feature[k] = np.float32(momentum) * feature[k] + np.float32(1 - momentum) * embedding[k]
        total += feature[k] * feature[k]
    scale = np.float32(1 / max(np.sqrt(total), 1e-12))
    for k in range(len(feature)):
        feature[k] *= scale


@compiled
def _begin(
    tracks: Table,
    count: int,
    found: Table,
    features: Embeddings,
    embeddings: Embeddings,
    columns: Rows,
    least: float,
    clock: float,
    form: int,
    noise: Table,
) -> int:
    """Append a track for each detection that scores at least ``least``; returns how many tracks there are now."""
    for column in columns:
        one = found[column]
        if one["score"] < least:
            continue
        track = tracks[count]
        track["id"], track["state"], track["class"], track["hits"] = 0, TRACKED, one["class"], 0
        track["first"] = clock
        motion.start(track["motion"], one["measured"], noise)
        _remember(track, one, clock, form)
        motion.copy(embeddings[one["row"]], features[count])
        count += 1
    return count


@compiled
def mark(tracks: Table, rows: Rows, state: int) -> None:
    """Give some tracks another state."""
    for row in rows:
        tracks[row]["state"] = state


@compiled
def expire(tracks: Table, clock: float, patience: float) -> None:
    """End the tracks that were last matched longer ago than ``patience`` frames."""
    for track in tracks:
        if clock - track["last"] > patience:
            track["state"] = GONE


@compiled
def _drop_doubles(tracks: Table, limit: float, margin: float) -> None:
    """Where a visible and a lost track cover each other, 1 - IoU below ``limit``, the shorter history ends.

    ByteTrack and FairMOT, ``remove_duplicate_stracks``; of two of the same length the lost one stays.
    """
    doomed = np.zeros(len(tracks), np.bool_)
    for a in range(len(tracks)):
        lost = tracks[a]
        if lost["state"] != LOST:
            continue
        for b in range(len(tracks)):
            visible = tracks[b]
            if visible["state"] >= LOST or visible["class"] != lost["class"]:
                continue
            if 1 - iou(visible["box"], lost["box"], margin) < limit:
                older = visible["last"] - visible["first"] > lost["last"] - lost["first"]
                doomed[a if older else b] = True
    for row in range(len(tracks)):
        if doomed[row]:
            tracks[row]["state"] = GONE


@compiled
def _settle(tracks: Table, features: Embeddings, last_id: int, needed: int) -> tuple[int, int]:
    """Close the gaps that ended tracks have left, in order, and confirm tracks with ``needed`` detections.

    Returns:
        How many tracks are left, and the last id given.
    """
    count = 0
    for row in range(len(tracks)):
        if tracks[row]["state"] == GONE:
            continue
        if row != count:
            tracks[count] = tracks[row]
            motion.copy(features[row], features[count])
        track = tracks[count]
        if track["state"] == TRACKED and track["id"] == 0:
            if track["hits"] >= needed:
                last_id += 1
                track["id"] = last_id
            else:
                track["state"] = TENTATIVE
        count += 1
    return count, last_id


@compiled
def _show(
    tracks: Table,
    clock: float,
    coast: float,
    coast_still: float,
    still: float,
    least_area: float,
    widest: float,
    measured: bool,
) -> npt.NDArray[Any]:
    """Confirmed tracks matched in this frame, or at most ``coast`` frames ago, by ascending id.

    ``coast_still`` frames for people slower than ``still`` (of their width per frame): they are likely there yet.
    Boxes smaller than ``least_area`` (square pixels) or wider than ``widest`` times their height are left out.
    ``measured``: show the last detection's box, not the filters'.
    """
    shown, box = np.empty(len(tracks), SHOWN), np.empty(4)
    count = 0
    for track in tracks:
        seen = track["state"] == TRACKED
        motion.copy(track["box"], box)
        if not seen:
            x, y = track["motion"][1, 0], track["motion"][1, 1]
            stands = np.sqrt(x * x + y * y) < still * (box[2] - box[0])
            if track["state"] != LOST or clock - track["last"] > (max(coast, coast_still) if stands else coast):
                continue
        if measured and seen:
            motion.copy(track["seen"][(track["hits"] - 1) % HISTORY][:4], box)
        width, height = box[2] - box[0], box[3] - box[1]
        if not (width > 0 and height > 0 and width * height > least_area and width <= widest * height):
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
def finish(
    table: Table,
    count: int,
    found: Table,
    features: Embeddings,
    embeddings: Embeddings,
    columns: Rows,
    least: float,
    needed: int,
    clock: float,
    patience: float,
    double: float,
    margin: float,
    coast: float,
    coast_still: float,
    still: float,
    least_area: float,
    widest: float,
    measured: bool,
    last_id: int,
    form: int,
    noise: Table,
) -> tuple[int, int, npt.NDArray[Any]]:
    """The end of a frame: tracks begin and end, get ids, and are shown; the arguments are those of the steps.

    Args:
        table: of ``count`` tracks, with room for those that begin.

    Returns:
        How many tracks there are now, the last id given, and the tracks to show.
    """
    expire(table[:count], clock, patience)
    count = _begin(table, count, found, features, embeddings, columns, least, clock, form, noise)
    _drop_doubles(table[:count], double, margin)
    count, last_id = _settle(table[:count], features, last_id, needed)
    return count, last_id, _show(table[:count], clock, coast, coast_still, still, least_area, widest, measured)
