"""client.detection.detector: networks behind a letterbox."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from client.detection.detector import LetterboxDetector
from mot.contract import ModelSpec
from mot.detections import Detections
from tests.media import frame_of


class Fixed(LetterboxDetector):
    """Finds one person at the same place of the input; remembers what it was given."""

    def __init__(self, box: list[float]) -> None:
        super().__init__(ModelSpec(architecture="fake", height=32, width=64, top_k=1), workers=1, name="fixed")
        self._box = box
        self.given: list[npt.NDArray[np.uint8]] = []

    def infer(self, image: npt.NDArray[np.uint8]) -> Detections:
        self.given.append(image)
        boxes = np.array([self._box], np.float32)
        return Detections(boxes=boxes, scores=np.ones(1, np.float32), embeddings=np.ones((1, 4), np.float32) / 2)


class Several(LetterboxDetector):
    """Finds some people, always the same."""

    def __init__(self, count: int) -> None:
        super().__init__(ModelSpec(architecture="fake", height=32, width=64, top_k=count), workers=1, name="several")
        boxes = np.array([[9 * k, 2, 9 * k + 5, 20] for k in range(count)], np.float32)
        scores = np.linspace(1, 0.5, count, endpoint=count != 2, dtype=np.float32)
        self.answer = Detections(boxes=boxes, scores=scores, embeddings=np.eye(count, 4, dtype=np.float32))

    def infer(self, image: npt.NDArray[np.uint8]) -> Detections:
        boxes, scores, embeddings = self.answer.boxes, self.answer.scores, self.answer.embeddings
        return Detections(boxes=boxes.copy(), scores=scores, embeddings=embeddings)


def plain(height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), 9, np.uint8)


def test_boxes_are_in_original_pixels() -> None:
    # A 128 x 128 source becomes 32 x 32 in the middle of the 64 x 32 input: scale 1/4, offset (16, 0).
    detector = Fixed([16, 0, 32, 32])
    found = detector.submit(frame_of(plain(128, 128))).result()
    detector.close()
    assert found.boxes.tolist() == [[0, 0, 64, 128]]
    assert found.boxes.dtype == np.float32
    assert detector.given[0].shape == (32, 64, 3)


def test_frames_of_different_sizes_share_one_detector() -> None:
    detector = Fixed([0, 0, 64, 32])
    sizes = [(32, 64), (64, 128), (32, 64), (1, 1)]
    boxes = [detector.submit(frame_of(plain(*size))).result().boxes[0].tolist() for size in sizes]
    detector.close()
    assert boxes[:3] == [[0, 0, 64, 32], [0, 0, 128, 64], [0, 0, 64, 32]]
    assert {image.shape for image in detector.given} == {(32, 64, 3)}


def test_closing_cancels_what_has_not_begun() -> None:
    detector = Fixed([0, 0, 1, 1])
    answers = [detector.submit(frame_of(plain(32, 64))) for _ in range(50)]
    detector.close()
    assert all(answer.done() for answer in answers)


@pytest.mark.parametrize("spoiled", ["boxes", "scores", "embeddings"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_no_numbers_are_left_out_with_one_warning(
    spoiled: str, value: float, caplog: pytest.LogCaptureFixture
) -> None:
    """NVIDIA/TensorRT issue 1787: half precision overflows; roboflow/supervision issue 458: what follows."""
    detector = Several(3)
    getattr(detector.answer, spoiled)[1] = value
    found = [detector.submit(frame_of(plain(32, 64))).result() for _ in range(3)]
    detector.close()
    assert [each.scores.tolist() for each in found] == [[1, 0.5]] * 3
    assert np.isfinite(found[0].boxes).all() and found[0].embeddings is not None and len(found[0].embeddings) == 2
    assert caplog.text.count("1 of 3 rows of an answer are no boxes of finite numbers") == 1


def test_nobody_is_left_where_no_row_is_a_number() -> None:
    detector = Several(2)
    detector.answer.boxes[:] = np.nan
    found = detector.submit(frame_of(plain(32, 64))).result()
    detector.close()
    assert (len(found), found.boxes.shape) == (0, (0, 4))


def test_a_box_inside_out_is_left_out() -> None:
    """Found by fuzzing: a tracker refuses it without a word of the server."""
    detector = Several(3)
    detector.answer.boxes[1] = [9, 0, 3, 5]
    found = detector.submit(frame_of(plain(32, 64))).result()
    detector.close()
    assert found.scores.tolist() == [1, 0.5]
