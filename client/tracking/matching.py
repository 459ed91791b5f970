"""How tracks and detections are chosen, matched, and the tracks corrected."""

from __future__ import annotations

from typing import Any

import numpy as np

from client.tracking import motion
from client.tracking.assignment import assign
from client.tracking.compiled import compiled
from client.tracking.moment import Moment, Parts
from client.tracking.records import HISTORY, LOST, TRACKED, Array, Embeddings, Rows, Table, copy


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
def split(found: Table, score: float) -> tuple[Rows, Rows]:
    """Columns of the detections that score at least ``score``, and of the others; best first, as they are."""
    columns = np.empty(len(found), np.int64)
    high = 0
    for column in range(len(found)):
        columns[column] = column
        high += found[column]["score"] >= score
    return columns[:high], columns[high:]


@compiled
def match(
    parts: Parts, rows: Rows, columns: Rows, cost: Array, limit: float, momentum: float, rewind: bool
) -> tuple[Rows, Rows]:
    """Assign detections to tracks and correct these; returns the tracks and detections left over.

    Args:
        parts: of a Moment.
        rows, columns: of the tracks and detections that ``cost`` is about.
        limit: below which a pair is allowed.
        momentum: share of the old embedding in the smoothed one; with 1 nothing is learnt.
        rewind: replace what a lost track's filters believed meanwhile (see :func:`retrace`).
    """
    moment = Moment(*parts)
    tracks, found, noise = moment.tracks, moment.found, moment.noise
    taken = assign(cost, limit)
    free_rows, free_columns = np.empty(len(rows), np.int64), np.empty(len(columns), np.int64)
    is_taken = np.zeros(len(columns), np.bool_)
    count = 0
    for i in range(len(rows)):
        if taken[i] < 0:
            free_rows[count] = rows[i]
            count += 1
            continue
        is_taken[taken[i]] = True
        track, one = tracks[rows[i]], found[columns[taken[i]]]
        if rewind and track["state"] == LOST:
            retrace(track, one["box"], moment.clock, moment.form, noise)
        motion.correct(track["motion"], one["measured"], noise)
        remember(track, one, moment.clock, moment.form)
        track["state"] = TRACKED
        if momentum < 1:
            _learn(moment.known[rows[i]], moment.given[one["row"]], momentum)
    left = 0
    for j in range(len(columns)):
        if not is_taken[j]:
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
    steps = max(1, int(np.rint(gap)))
    for row in range(len(filters)):
        copy(track["anchor"][row], filters[row])
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
def remember(track: Any, one: Any, clock: float, form: int) -> None:
    """Note a detection as the track's latest, whose filters have seen it."""
    seen = track["seen"][track["hits"] % HISTORY]
    copy(one["box"], seen)
    seen[4] = clock
    track["hits"] += 1
    track["last"], track["score"], track["detection"] = clock, one["score"], one["row"]
    for row in range(len(track["anchor"])):
        copy(track["motion"][row], track["anchor"][row])
    motion.locate(track["motion"], form, track["box"])


@compiled
def _learn(known: Embeddings, given: Embeddings, momentum: float) -> None:
    """Move a smoothed embedding towards a new one; its length stays 1."""
    total = np.float32(0)
    for k in range(len(known)):
        known[k] = np.float32(momentum) * known[k] + np.float32(1 - momentum) * given[k]
        total += known[k] * known[k]
    scale = np.float32(1 / max(np.sqrt(total), 1e-12))
    for k in range(len(known)):
        known[k] *= scale
