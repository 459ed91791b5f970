"""How tracks begin, are confirmed, lost, and end."""

from __future__ import annotations

from typing import Any

import numpy as np

from client.tracking import motion
from client.tracking.compiled import compiled
from client.tracking.costs import iou
from client.tracking.matching import remember
from client.tracking.moment import Moment, Parts
from client.tracking.records import AWAY, GONE, HISTORY, LOST, TENTATIVE, TRACKED, Array, Embeddings, Rows, Table, copy
from client.tracking.rules import RuleParts, Rules
from client.tracking.showing import show

Beginning = tuple[float, float, int, bool]  # see finish


@compiled
def mark(tracks: Table, rows: Rows, state: int) -> None:
    """Give some tracks another state."""
    for row in rows:
        tracks[row]["state"] = state


@compiled
def expire(tracks: Table, clock: float, patience: float, memory: float) -> None:
    """Tracks that were last matched longer ago than ``patience`` frames are away, or end: than ``memory``."""
    for track in tracks:
        if clock - track["last"] > patience:
            track["state"] = AWAY if track["state"] >= LOST and clock - track["last"] <= memory else GONE


@compiled
def _begin(moment: Moment, count: int, columns: Rows, least_score: float, newborn: float) -> int:
    """Append a track for each detection that scores enough; returns how many tracks there are now.

    None where a visible track covers it, 1 - IoU below ``newborn``: rarely is somebody first seen inside another.
    """
    tracks, found = moment.tracks, moment.found
    for column in columns:
        one = found[column]
        if one["score"] < least_score:
            continue
        if newborn > 0 and _is_covered(one, tracks[:count], newborn, moment.margin):
            continue
        track = tracks[count]
        track["id"], track["state"], track["class"], track["hits"] = 0, TRACKED, one["class"], 0
        track["first"] = track["since"] = moment.clock
        motion.start(track["motion"], one["measured"], moment.noise)
        remember(track, one, moment.clock, moment.form)
        copy(moment.given[one["row"]], moment.known[count])
        count += 1
    return count


@compiled
def _is_covered(one: Any, tracks: Table, limit: float, margin: float) -> bool:
    """Whether a visible track of its class covers a detection, 1 - IoU below ``limit``."""
    left, right = one["box"][0], one["box"][2]
    for track in tracks:
        if track["box"][0] >= right or track["box"][2] <= left or track["state"] != TRACKED:
            continue
        if track["class"] == one["class"] and 1 - iou(track["box"], one["box"], margin) < limit:
            return True
    return False


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
def _drop_lasting_doubles(tracks: Table, limit: float, margin: float) -> None:
    """Of two visible tracks that cover each other and did so before, 1 - IoU below ``limit``, the later one ends."""
    # Centres as columns of numbers, so that one track is compared with several at a time; nearly all are far away.
    x, y, count = np.empty(len(tracks)), np.empty(len(tracks)), 0
    earlier = np.empty(len(tracks), np.int64)
    least = 1 - limit  # IoU, at which the larger of two is at most 1 / IoU times as wide as the other
    reach = 0.5 if least >= 0.5 else 0.5 + (0.5 - least) / max(least, 1e-9)
    for row in range(len(tracks)):
        track = tracks[row]
        if track["state"] != TRACKED:
            continue
        box = track["box"]
        here_x, here_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        far_x, far_y = reach * (box[2] - box[0] + margin), reach * (box[3] - box[1] + margin)
        near = 0
        for k in range(count):
            near += (abs(x[k] - here_x) <= far_x) & (abs(y[k] - here_y) <= far_y)
        k = 0
        while near and k < count:
            if abs(x[k] - here_x) <= far_x and abs(y[k] - here_y) <= far_y:
                near -= 1
                if _stays_on(tracks[earlier[k]], track, limit, margin):
                    track["state"] = GONE
                    break
            k += 1
        if track["state"] == TRACKED:
            x[count], y[count], earlier[count] = here_x, here_y, row
            count += 1


@compiled
def _stays_on(earlier: Any, later: Any, limit: float, margin: float) -> bool:
    """Whether two tracks cover each other now, and did at the later one's oldest observation: who cross do not."""
    if later["hits"] < HISTORY or earlier["class"] != later["class"]:
        return False
    if 1 - iou(earlier["box"], later["box"], margin) >= limit:
        return False
    before = later["seen"][later["hits"] % HISTORY]
    for k in range(min(earlier["hits"], HISTORY)):
        then = earlier["seen"][k]
        if then[4] == before[4]:
            return bool(1 - iou(then, before, margin) < limit)
    return False


@compiled
def _settle(tracks: Table, known: Embeddings, last_id: int, needed: int, sure: float) -> tuple[int, int]:
    """Close the gaps that ended tracks have left, in order, and confirm tracks.

    With ``needed`` detections, or with one that scores ``sure``.

    Returns:
        How many tracks are left, and the last id given.
    """
    count = 0
    for row in range(len(tracks)):
        if tracks[row]["state"] == GONE:
            continue
        if row != count:
            tracks[count] = tracks[row]
            copy(known[row], known[count])
        track = tracks[count]
        if track["state"] == TRACKED and track["id"] == 0:
            if track["hits"] >= needed or track["score"] >= sure:
                last_id += 1
                track["id"] = last_id
            else:
                track["state"] = TENTATIVE
        count += 1
    return count, last_id


@compiled
def _extend(extent: Array, found: Table) -> None:
    """Make the extent hold a frame's detections."""
    for one in found:
        box = one["box"]
        extent[0], extent[1] = min(extent[0], box[0]), min(extent[1], box[1])
        extent[2], extent[3] = max(extent[2], box[2]), max(extent[3], box[3])


@compiled
def finish(
    parts: Parts,
    count: int,
    last_id: int,
    columns: Rows,
    beginning: Beginning,
    extent: Array,
    rule_parts: RuleParts,
) -> tuple[int, int, Table]:
    """The end of a frame: tracks begin and end, get ids, and are shown.

    Args:
        parts, rule_parts: of a Moment, which has room for tracks that begin, and of the Rules.
        count: how many tracks there are.
        last_id: that was given.
        columns: detections that nobody has taken.
        beginning: the score from which one of these begins a track, that which confirms a track at once, the
            detections that confirm it otherwise, and whether to look for doubles among confirmed tracks.
        extent: (4,) xyxy, pixels: the least box around all detections so far, about the picture; is updated.

    Returns:
        How many tracks there are now, the last id given, and the tracks to show.
    """
    moment, rules = Moment(*parts), Rules(*rule_parts)
    tracks = moment.tracks
    least_score, sure, needed, thoroughly = beginning
    # Without embeddings nobody who is away is known again.
    memory = rules.memory if moment.known.shape[1] > 0 else rules.patience
    expire(tracks[:count], moment.clock, rules.patience, memory)
    if max(rules.coast, rules.coast_still, rules.coast_hidden) > 0.01:
        _extend(extent, moment.found)
    count = _begin(moment, count, columns, least_score, rules.newborn)
    _drop_doubles(tracks[:count], rules.double, moment.margin)
    if thoroughly and rules.visible_double > 0:
        _drop_lasting_doubles(tracks[:count], rules.visible_double, moment.margin)
    count, last_id = _settle(tracks[:count], moment.known, last_id, needed, sure)
    return count, last_id, show(tracks[:count], moment.clock, extent, rules)
