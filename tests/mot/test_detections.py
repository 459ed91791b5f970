"""mot.detections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mot.detections import Detections


def three() -> Detections:
    return Detections(
        boxes=np.arange(12, dtype=np.float32).reshape(3, 4),
        scores=np.array([0.9, 0.5, 0.1], np.float32),
        embeddings=np.eye(3, 2, dtype=np.float32),
    )


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (np.array([2, 0]), [2, 0]),
        (np.array([True, False, True]), [0, 2]),
        (slice(1, None), [1, 2]),
        (np.zeros(0, np.intp), []),
    ],
    ids=["numbers", "mask", "slice", "nothing"],
)
def test_choosing_rows(index: np.ndarray | slice, rows: list[int]) -> None:
    chosen = three()[index]
    assert chosen.boxes.tolist() == three().boxes[rows].tolist()
    assert chosen.scores.tolist() == three().scores[rows].tolist()
    assert chosen.embeddings is not None
    assert chosen.embeddings.tolist() == np.eye(3, 2)[rows].tolist()
    assert len(chosen) == len(rows)


def test_choosing_rows_where_there_are_no_embeddings() -> None:
    chosen = replace(three(), embeddings=None)[np.array([2, 0])]
    assert chosen.embeddings is None and chosen.scores.tolist() == three().scores[[2, 0]].tolist()


def test_nobody() -> None:
    nobody = Detections.empty(64)
    assert nobody.embeddings is not None
    assert len(nobody) == 0 and nobody.embeddings.shape == (0, 64) and nobody.boxes.shape == (0, 4)
    assert len(Detections.empty()) == 0 and Detections.empty().embeddings is None


def test_boxes_and_scores_are_enough() -> None:
    found = Detections(boxes=np.zeros((2, 4), np.float32), scores=np.ones(2, np.float32))
    assert len(found) == 2 and found.embeddings is None and found.classes is None


@pytest.mark.parametrize(
    ("boxes", "scores", "embeddings"),
    [
        ((3, 5), (3,), (3, 2)),
        ((3, 4), (2,), (3, 2)),
        ((3, 4), (3, 1), (3, 2)),
        ((3, 4), (3,), (2, 2)),
        ((3, 4), (3,), (3,)),
        ((3, 4), (3,), (3, 2, 1)),
        ((3,), (3,), (3, 2)),
        ((3,), (3,), None),
        ((3, 4), (2,), None),
        ((3, 4), (3,), (3, 0)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    boxes: tuple[int, ...], scores: tuple[int, ...], embeddings: tuple[int, ...] | None
) -> None:
    with pytest.raises(
        ValueError,
        match=r"boxes \(.*\) and scores \(.*\) are not \(N, 4\) and \(N,\)|embeddings \(.*\) are not \(3, D\)",
    ):
        Detections(
            boxes=np.zeros(boxes, np.float32),
            scores=np.zeros(scores, np.float32),
            embeddings=None if embeddings is None else np.zeros(embeddings, np.float32),
        )
