"""client.outputs.conversion: there and back again."""

from __future__ import annotations

import numpy as np
import pytest

from client.outputs.conversion import from_supervision, to_pandas, to_supervision, tracks_from_supervision
from client.pipeline.tracked import TrackedFrame
from mot.detections import Detections, Tracks
from tests.media import frame_of, numbered_image

sv = pytest.importorskip("supervision")

BOXES = np.array([[10, 20, 40, 90], [50, 20, 80, 95]], np.float32)
SCORES = np.array([0.9, 0.6], np.float32)
TRACKS = Tracks(ids=np.array([3, 7]), boxes=BOXES, scores=SCORES, detections=np.array([1, 0]))


@pytest.mark.parametrize("width", [None, 4])
def test_detections_there_and_back(width: int | None) -> None:
    embeddings = None if width is None else np.eye(2, width, dtype=np.float32)
    found = Detections(boxes=BOXES, scores=SCORES, embeddings=embeddings)
    back = from_supervision(to_supervision(found))
    assert back.boxes.tolist() == BOXES.tolist() and back.scores.tolist() == SCORES.tolist()
    assert (back.embeddings is None) if embeddings is None else np.array_equal(back.embeddings, embeddings)


def test_best_score_comes_first() -> None:
    found = sv.Detections(xyxy=BOXES[::-1].copy(), confidence=SCORES[::-1].copy(), class_id=np.array([1, 0]))
    back = from_supervision(found)
    assert back.boxes.tolist() == BOXES.tolist()
    assert back.classes is not None and back.classes.tolist() == [0, 1]


def test_detections_without_confidence() -> None:
    assert from_supervision(sv.Detections(xyxy=BOXES)).scores.tolist() == [1, 1]


def test_nobody() -> None:
    assert len(from_supervision(sv.Detections.empty())) == 0
    assert len(tracks_from_supervision(sv.Detections.empty())) == 0
    assert len(to_supervision(Detections.empty())) == 0


def test_tracks_there_and_back() -> None:
    there = to_supervision(TRACKS)
    assert there.tracker_id.tolist() == [3, 7]
    back = tracks_from_supervision(there)
    assert back.ids.tolist() == [3, 7] and back.boxes.tolist() == BOXES.tolist()


def test_tracks_of_nobody_known_are_left_out_and_ids_ascend() -> None:
    found = sv.Detections(xyxy=np.vstack([BOXES, BOXES[:1]]), tracker_id=np.array([7, -1, 3]))
    back = tracks_from_supervision(found)
    assert back.ids.tolist() == [3, 7] and back.detections.tolist() == [2, 0]


def test_detections_are_no_tracks() -> None:
    with pytest.raises(ValueError, match="tracker_id is None"):
        tracks_from_supervision(sv.Detections(xyxy=BOXES))


def test_table_of_pandas() -> None:
    pytest.importorskip("pandas")
    frame = frame_of(numbered_image(3), index=3)
    found = Detections(boxes=BOXES[::-1], scores=SCORES[::-1])
    table = to_pandas([TrackedFrame(frame=frame, tracks=TRACKS, detections=found)])
    assert table.to_dict("records")[1] == {
        **{"frame": 3, "time": 0.2, "id": 7, "left": 50, "top": 20, "width": 30, "height": 75},
        "score": pytest.approx(0.6),
    }
    assert len(to_pandas([])) == 0
