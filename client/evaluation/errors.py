"""Why a tracker fails: each error of a result by its cause, the height of the person and how much of them is seen.

Misses are CLEAR's FN, exchanges its ID Sw.; doubles, halves of a body, coasted boxes and false people are together
its FP. The causes are ours: they tell what to mend, and no benchmark counts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from client.evaluation.matching import THRESHOLD, MatchedFrame
from mot.geometry import FloatArray, iou_matrix, xywh_to_xyxy
from mot.sequence import MotRows

CAUSES: Mapping[str, str] = {
    "miss": "a person without a box",
    "exchange": "a person whose track is another than before",
    "double": "a second box on somebody who has one",
    "half a body": "a box inside a person, but too small to match",
    "coasted box": "a track that followed somebody shortly before",
    "false person": "a box of none of these kinds",
}
OF_PEOPLE = ("miss", "exchange", "double", "half a body")  # causes that concern somebody labelled

HEIGHTS = (0.0, 40.0, 80.0, 160.0, 320.0, np.inf)  # pixels of the original image: of the label, or of a false box
VISIBILITIES = (0.0, 0.3, 0.7, 1.0)  # visible part of the label; the last includes 1

INSIDE = 0.7  # part of a box's area that lies in a label, where it is half a body
RECENT = 30  # frames since a track followed somebody, at most, where its box is coasted


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Of one sequence or several: E errors, among L labels that are scored."""

    causes: npt.NDArray[np.int64]  # (E,) place in CAUSES
    heights: npt.NDArray[np.float64]  # (E,) pixels
    visibilities: npt.NDArray[np.float64]  # (E,) 0..1; NaN where no label is concerned
    label_heights: npt.NDArray[np.float64]  # (L,)
    label_visibilities: npt.NDArray[np.float64]  # (L,)

    def count(self, cause: str) -> int:
        """Errors of one cause."""
        return int((self.causes == list(CAUSES).index(cause)).sum())

    def by_height(self, cause: str) -> list[int]:
        """Errors of one cause in each range of HEIGHTS."""
        return _binned(self.heights[self.causes == list(CAUSES).index(cause)], HEIGHTS)

    def by_visibility(self, cause: str) -> list[int]:
        """The same for each range of VISIBILITIES; none where no label is concerned."""
        return _binned(self.visibilities[self.causes == list(CAUSES).index(cause)], VISIBILITIES)

    def labels_by_height(self) -> list[int]:
        """Labels in each range of HEIGHTS."""
        return _binned(self.label_heights, HEIGHTS)

    def labels_by_visibility(self) -> list[int]:
        """Labels in each range of VISIBILITIES."""
        return _binned(self.label_visibilities, VISIBILITIES)

    def document(self) -> dict[str, Any]:
        """Counts, for JSON; each range begins where the one before ends."""
        return {
            "labels": len(self.label_heights),
            "causes": {cause: self.count(cause) for cause in CAUSES},
            "height": {
                "from_pixels": list(HEIGHTS[:-1]),
                "labels": self.labels_by_height(),
                **{cause: self.by_height(cause) for cause in CAUSES},
            },
            "visibility": {
                "from": list(VISIBILITIES[:-1]),
                "labels": self.labels_by_visibility(),
                **{cause: self.by_visibility(cause) for cause in OF_PEOPLE},
            },
        }


def find_errors(frames: Sequence[MatchedFrame], truth: MotRows, people: npt.NDArray[np.int64]) -> Errors:
    """Name the cause of each error.

    Of a false box, in this order: a *double* overlaps a label by half, or a box that has one; *half a body* lies
    mostly inside a label; a *coasted box* is of a track that followed somebody in one of the last 30 frames (it may
    be a prediction, or have slipped off); everything else is a *false person*.

    Args:
        truth: rows of the label file, for their visibilities.
        people: (P,) ids in the label file.
    """
    keys = zip(truth.frames.tolist(), truth.ids.tolist(), strict=True)
    seen = dict(zip(keys, truth.visibilities.tolist(), strict=True))
    names = list(CAUSES)
    events: list[tuple[int, float, float]] = []
    labels: list[tuple[float, float]] = []
    followed: dict[int, int] = {}  # track -> frame in which it was last matched
    for frame in frames:
        persons = people[frame.persons].tolist()
        visible = [seen[frame.number, person] for person in persons]
        tall = frame.labels[:, 3].tolist()
        labels += zip(tall, visible, strict=True)
        for cause, rows in (("miss", frame.missed), ("exchange", frame.switched)):
            events += ((names.index(cause), tall[row], visible[row]) for row in rows.tolist())
        for box, label, cause in _false_boxes(frame, followed):
            height = frame.boxes[box, 3] if label is None else tall[label]
            events.append((names.index(cause), float(height), np.nan if label is None else visible[label]))
        followed.update(dict.fromkeys(frame.tracks[frame.columns].tolist(), frame.number))
    table = np.array(events, np.float64).reshape(-1, 3)
    of_labels = np.array(labels, np.float64).reshape(-1, 2)
    return Errors(
        causes=table[:, 0].astype(np.int64),
        heights=table[:, 1],
        visibilities=table[:, 2],
        label_heights=of_labels[:, 0],
        label_visibilities=of_labels[:, 1],
    )


def join(parts: Sequence[Errors]) -> Errors:
    """All errors of several sequences."""
    return Errors(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def _false_boxes(frame: MatchedFrame, followed: Mapping[int, int]) -> list[tuple[int, int | None, str]]:
    """Each false box, the label it concerns, and its cause."""
    false = frame.false
    if not len(false):
        return []
    boxes, labels = xywh_to_xyxy(frame.boxes), xywh_to_xyxy(frame.labels)
    to_matched = iou_matrix(boxes[false], boxes[frame.columns])
    inside = _inside(boxes[false], labels)
    found: list[tuple[int, int | None, str]] = []
    for place, box in enumerate(false.tolist()):
        overlap = frame.overlap[:, box]
        if len(overlap) and overlap.max() >= THRESHOLD:
            found.append((box, int(overlap.argmax()), "double"))
        elif len(frame.columns) and to_matched[place].max() >= THRESHOLD:
            found.append((box, int(frame.rows[to_matched[place].argmax()]), "double"))
        elif len(labels) and inside[place].max() >= INSIDE:
            found.append((box, int(inside[place].argmax()), "half a body"))
        elif frame.number - followed.get(int(frame.tracks[box]), frame.number - RECENT - 1) <= RECENT:
            found.append((box, None, "coasted box"))
        else:
            found.append((box, None, "false person"))
    return found


def _inside(boxes: FloatArray, labels: FloatArray) -> FloatArray:
    """(N, 4), (M, 4) xyxy -> (N, M) the part of each box's area that lies in each label; 0 for a box without area."""
    low = np.maximum(boxes[:, None, :2], labels[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], labels[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)[:, None]
    part: FloatArray = np.divide(shared, area, out=np.zeros_like(shared), where=area > 0)
    return part


def _binned(values: npt.NDArray[np.float64], edges: Sequence[float]) -> list[int]:
    """How many lie in each range; the last includes its end, and what is outside counts in the nearest."""
    known = values[~np.isnan(values)]
    places = np.clip(np.searchsorted(edges, known, side="right") - 1, 0, len(edges) - 2)
    return [int(count) for count in np.bincount(places, minlength=len(edges) - 1)]
