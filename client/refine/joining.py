"""Pieces of a video that were tracked for themselves, put together: whoever is in both of two pieces keeps one id."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.outputs.embeddings import Embeddings, of_length_one
from client.refine.paths import by_frame
from mot.assignment import best_pairs
from mot.geometry import iou_matrix, xywh_to_xyxy
from mot.sequence import MotRows

_SAME_PLACE = 0.5  # overlap (IoU) of two boxes of one person
_LOOKS = 0.5  # what the looks weigh beside the share of frames in one place
_ALIKE = 0.5  # cosine similarity of the mean embeddings from which looks speak for a pair


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Frames ``first`` to ``last`` of a video, tracked by themselves."""

    first: int
    last: int  # both included; where pieces overlap, both have rows
    rows: MotRows
    embeddings: Embeddings  # mean of each id's; without one, its places alone decide


def join(pieces: Sequence[Piece]) -> tuple[MotRows, Embeddings]:
    """Rows and mean embeddings of the whole video; ids are numbered from 1 as people appear.

    Of two pieces that overlap, the earlier gives the rows of the first half of the shared frames, the later those of
    the second, when its tracker has seen enough. Two tracks can be one person where their boxes overlap in a shared
    frame; of these pairs those are joined that agree most in sum, by the share of the shared frames in which they are
    in one place, and by their looks (one assignment). Whoever is hidden in all shared frames gets a new id.

    Args:
        pieces: in the order of the video, one at least.
    """
    parts: list[MotRows] = []
    sums: dict[int, npt.NDArray[np.float64]] = {}
    before, known, next_id, begin = None, dict[int, int](), 1, pieces[0].first
    for piece, after in zip(pieces, [*pieces[1:], None], strict=True):
        ids = {} if before is None else {new: known[old] for old, new in _same(before, piece)}
        for track in np.unique(piece.rows.ids).tolist():
            if track not in ids:
                ids[track], next_id = next_id, next_id + 1
        end = piece.last if after is None else (after.first + piece.last) // 2
        rows = piece.rows.between(begin, end)
        parts.append(dataclasses.replace(rows, ids=np.array([ids[i] for i in rows.ids.tolist()], np.int64)))
        for track, mean in piece.embeddings.items():
            if track in ids:
                count = int((rows.ids == track).sum())
                sums[ids[track]] = sums.get(ids[track], 0) + count * mean.astype(np.float64)
        before, known, begin = piece, ids, end + 1
    whole = by_frame(parts, pieces[0].rows)
    shown, first_rows = np.unique(whole.ids, return_index=True)
    number = {track: place for place, track in enumerate(shown[np.argsort(first_rows)].tolist(), start=1)}
    whole = dataclasses.replace(whole, ids=np.array([number[i] for i in whole.ids.tolist()], np.int64))
    means = {number[track]: of_length_one(total).astype(np.float32) for track, total in sums.items() if track in number}
    return by_frame([whole], whole), means


def _same(one: Piece, other: Piece) -> list[tuple[int, int]]:
    """Ids of the same people in a piece and in the next."""
    first, last = other.first, one.last
    a, b = one.rows.between(first, last), other.rows.between(first, last)
    ids_a, ids_b = np.unique(a.ids), np.unique(b.ids)
    together = np.zeros((len(ids_a), len(ids_b)))
    for frame in np.intersect1d(a.frames, b.frames).tolist():
        here, there = a[a.frames == frame], b[b.frames == frame]
        close = iou_matrix(xywh_to_xyxy(here.boxes), xywh_to_xyxy(there.boxes)) >= _SAME_PLACE
        together[np.ix_(np.searchsorted(ids_a, here.ids), np.searchsorted(ids_b, there.ids))] += close
    seen_a = np.array([(a.ids == i).sum() for i in ids_a.tolist()])
    seen_b = np.array([(b.ids == i).sum() for i in ids_b.tolist()])
    either = seen_a[:, None] + seen_b[None, :] - together if together.size else together
    gain = np.divide(together, either, out=np.zeros_like(together), where=either > 0)
    for i, j in np.argwhere(together > 0).tolist():
        looks = one.embeddings.get(int(ids_a[i])), other.embeddings.get(int(ids_b[j]))
        if looks[0] is not None and looks[1] is not None:
            gain[i, j] += _LOOKS * max(0.0, float(looks[0] @ looks[1]) - _ALIKE)
    return [(int(ids_a[i]), int(ids_b[j])) for i, j in best_pairs(gain).tolist()]
