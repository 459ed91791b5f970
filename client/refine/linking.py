"""Tracks that are one person: joined where one ends before the other begins, nearby, and their embeddings agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.outputs.embeddings import Embeddings
from client.refine.paths import paths
from mot.assignment import best_pairs
from mot.sequence import MotRows

RECENT = 10  # rows that say how fast somebody walks
UNSURE = 0.5  # heights that a prediction may be wrong at once,
UNSURE_PER_FRAME = 0.05  # and more for each frame that it reaches ahead


@dataclass(frozen=True, kw_only=True)
class _End:
    """Where a track begins or ends, and how it moves there."""

    frame: int
    centre: npt.NDArray[np.float64]  # (2,) pixels
    speed: npt.NDArray[np.float64]  # (2,) pixels a frame
    height: float  # pixels


def link(rows: MotRows, embeddings: Embeddings, *, max_gap: int, max_distance: float) -> MotRows:
    """Rows whose ids are those of the first track of each person; nothing else changes.

    Two tracks can be one person where one ends before the other begins, both meet, and their embeddings are nearer
    to each other than either is to anybody's seen at the same time, who is certainly somebody else. Of these pairs,
    those are joined that are nearest in sum (one assignment). Joined tracks never share a frame.

    Args:
        embeddings: means; tracks without one are left alone.
        max_gap: frames from one's last to the other's first row, at most.
        max_distance: cosine distance of their mean embeddings, less than this.
    """
    tracks = [path for path in paths(rows) if int(path.ids[0]) in embeddings]
    if len(tracks) < 2:
        return rows
    ids = [int(path.ids[0]) for path in tracks]
    means = np.stack([embeddings[track] for track in ids]).astype(np.float64)
    distance: npt.NDArray[np.float64] = 1 - means @ means.T
    to_others = np.where(_together(tracks), distance, np.inf).min(axis=1)
    limit = np.minimum(np.minimum(to_others[:, None], to_others), max_distance)
    ends, begins = [_end(path) for path in tracks], [_begin(path) for path in tracks]
    gain = np.zeros_like(distance)
    for i, j in np.argwhere(distance < limit).tolist():
        if 0 < begins[j].frame - ends[i].frame <= max_gap and _near(ends[i], begins[j]):
            gain[i, j] = max_distance - distance[i, j]

    person = {track: track for track in ids}
    for i, j in sorted(best_pairs(gain).tolist(), key=lambda pair: begins[pair[1]].frame):
        person[ids[j]] = person[ids[i]]  # the earlier has got its own by now: it began before
    return dataclasses.replace(rows, ids=np.array([person.get(i, i) for i in rows.ids.tolist()], np.int64))


def _together(tracks: Sequence[MotRows]) -> npt.NDArray[np.bool_]:
    """(N, N): whether two different tracks have a frame in common."""
    together = np.zeros((len(tracks), len(tracks)), bool)
    for i, one in enumerate(tracks):
        for j in range(i):
            other = tracks[j].frames
            if one.frames[0] <= other[-1] and other[0] <= one.frames[-1]:
                together[i, j] = together[j, i] = bool(np.isin(one.frames, other, assume_unique=True).any())
    return together


def _end(path: MotRows) -> _End:
    return _side(path[-RECENT:], -1)


def _begin(path: MotRows) -> _End:
    return _side(path[:RECENT], 0)


def _side(rows: MotRows, at: int) -> _End:
    centres = rows.boxes[:, :2] + rows.boxes[:, 2:] / 2
    time = max(int(rows.frames[-1] - rows.frames[0]), 1)
    return _End(
        frame=int(rows.frames[at]),
        centre=centres[at],
        speed=(centres[-1] - centres[0]) / time,
        height=float(np.median(rows.boxes[:, 3])),
    )


def _near(end: _End, begin: _End) -> bool:
    """Whether both tracks, each continued halfway, come close to each other, and are about as tall."""
    ahead = begin.frame - end.frame
    meet = end.centre + end.speed * ahead / 2, begin.centre - begin.speed * ahead / 2
    height = (end.height + begin.height) / 2
    allowed = height * (UNSURE + UNSURE_PER_FRAME * ahead)
    return bool(np.hypot(*(meet[0] - meet[1])) <= allowed) and 0.5 <= end.height / begin.height <= 2
