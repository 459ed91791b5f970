"""Detections and tracks in the types of other libraries: supervision's, which the field has in common, and pandas'.

Neither library is needed by this project; each function imports the one that it is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from client.pipeline.tracked import TrackedFrame
from mot.detections import Detections, Tracks

if TYPE_CHECKING:
    import pandas as pd
    import supervision as sv

EMBEDDING = "embedding"  # key of supervision's ``data``


def to_supervision(found: Detections | Tracks) -> sv.Detections:
    """As ``supervision.Detections``: boxes xyxy in the same pixels, scores as confidence, ids as ``tracker_id``.

    Raises:
        ImportError: supervision is not installed.
    """
    import supervision as sv

    data: dict[str, Any] = {}
    if isinstance(found, Detections) and found.embeddings is not None:
        data[EMBEDDING] = found.embeddings
    classes = np.zeros(len(found), np.int64) if found.classes is None else found.classes
    return sv.Detections(
        xyxy=np.asarray(found.boxes, np.float32),
        confidence=np.asarray(found.scores, np.float32),
        class_id=np.asarray(classes, int),
        tracker_id=np.asarray(found.ids, int) if isinstance(found, Tracks) else None,
        data=data,
    )


def from_supervision(found: sv.Detections) -> Detections:
    """Boxes, scores, classes and ``data["embedding"]``, if there is one, for a tracker; the best score first.

    Without ``confidence`` each score is 1.
    """
    scores = np.ones(len(found), np.float32) if found.confidence is None else np.asarray(found.confidence, np.float32)
    order = np.argsort(-scores, kind="stable")
    embeddings = found.data.get(EMBEDDING)
    return Detections(
        boxes=np.asarray(found.xyxy, np.float32).reshape(-1, 4)[order],
        scores=scores[order],
        embeddings=None if embeddings is None else np.asarray(embeddings, np.float32)[order],
        classes=None if found.class_id is None else np.asarray(found.class_id, np.int64)[order],
    )


def tracks_from_supervision(found: sv.Detections) -> Tracks:
    """Tracked people with their ids; those without an id (-1 or None) are left out.

    Raises:
        ValueError: nobody has been tracked: ``tracker_id`` is None, though there are detections.
    """
    if found.tracker_id is None and len(found):
        raise ValueError("tracker_id is None: these are detections of no tracker; from_supervision takes them")
    ids = np.zeros(0, np.int64) if found.tracker_id is None else np.asarray(found.tracker_id, np.int64)
    rows = np.flatnonzero(ids >= 0)
    rows = rows[np.argsort(ids[rows], kind="stable")]
    scores = np.ones(len(found), np.float32) if found.confidence is None else np.asarray(found.confidence, np.float32)
    return Tracks(
        ids=ids[rows],
        boxes=np.asarray(found.xyxy, np.float32).reshape(-1, 4)[rows],
        scores=scores[rows],
        detections=rows.astype(np.int64),
        classes=None if found.class_id is None else np.asarray(found.class_id, np.int64)[rows],
    )


def to_pandas(frames: Iterable[TrackedFrame]) -> pd.DataFrame:
    """One row a person and frame: frame, time (s), id, left, top, width, height (pixels), score.

    Raises:
        ImportError: pandas is not installed.
    """
    import pandas as pd

    columns = ["frame", "time", "id", "left", "top", "width", "height", "score"]
    rows = [
        (each.frame.index, each.frame.time, track, left, top, right - left, bottom - top, score)
        for each in frames
        for track, (left, top, right, bottom), score in zip(
            each.tracks.ids.tolist(), each.tracks.boxes.tolist(), each.tracks.scores.tolist(), strict=True
        )
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"frame": "int64", "id": "int64"} | dict.fromkeys(("time", *columns[3:]), "float64"))
