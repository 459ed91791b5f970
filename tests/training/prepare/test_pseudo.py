from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mot.errors import MotError
from mot.geometry import iou_matrix
from mot.sequence import read_ground_truth
from training.data.labels import IGNORE, PERSON
from training.prepare.pseudo import Teacher, TeacherConfig, decode_people, is_part, suppress, tiles

YOLOX = "models/yolox_nano_416x416.onnx"


@pytest.mark.parametrize(("width", "height"), [(576, 320), (1920, 1080), (33, 77), (1, 1)], ids=str)
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5])
def test_tiles_cover_the_image_and_stay_in_it(width: int, height: int, overlap: float) -> None:
    found = tiles(width, height, TeacherConfig(tiles=(1, 2, 3), overlap=overlap))
    assert len(found) == 1 + 4 + 9
    assert found[0] == (0, 0, width, height)
    for grid in (found[1:5], found[5:]):
        covered = np.zeros((height, width), bool)
        for x1, y1, x2, y2 in grid:
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height
            covered[y1:y2, x1:x2] = True
        assert covered.all()


def test_neighbouring_tiles_overlap_by_the_given_part() -> None:
    left, right = tiles(1000, 1000, TeacherConfig(tiles=(2,), overlap=0.25))[:2]
    assert (left[2] - right[0]) / (left[2] - left[0]) == pytest.approx(0.25, abs=0.01)


def test_suppress_keeps_the_best_of_each_heap() -> None:
    boxes = np.array([[0, 0, 10, 20], [1, 0, 11, 20], [30, 0, 40, 20], [1, 1, 11, 21], [30, 0, 40, 20]], np.float32)
    scores = np.array([0.5, 0.9, 0.3, 0.6, 0.3], np.float32)
    assert suppress(boxes, scores, 0.6) == [1, 2]  # equal scores: the first
    assert suppress(boxes, scores, 1.1) == [1, 3, 0, 2, 4]
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.6) == []


def test_a_part_lies_in_a_box_of_more_than_twice_its_area() -> None:
    boxes = np.array(
        [
            [0, 0, 20, 60],  # a person
            [0, 0, 20, 25],  # their upper half
            [0, 0, 20, 40],  # two thirds of them: too large for a part
            [15, 0, 35, 60],  # a neighbour
        ],
        np.float32,
    )
    assert is_part(boxes).tolist() == [False, True, False, False]
    assert is_part(np.zeros((0, 4), np.float32)).shape == (0,)


def test_rows_of_yolox_are_decoded_cell_by_cell() -> None:
    """Strides 8, 16, 32 one after another; centre (x + grid) * stride, size exp * stride."""
    size = 64
    output = np.full((8 * 8 + 4 * 4 + 2 * 2, 85), -9.0, np.float32)
    output[:, 4:] = 0
    output[8 * 2 + 3, :6] = 0.5, 0.25, np.log(2), np.log(4), 0.9, 0.8  # stride 8, cell (3, 2)
    output[64 + 4 * 1 + 2, :6] = 0, 0, 0, 0, 1, 0.5  # stride 16, cell (2, 1)
    output[64 + 16 + 2 * 1 + 0, :6] = 0, 0, 0, 0, 1, 0.1  # stride 32, too low
    boxes, scores = decode_people(output, size, 0.15)
    np.testing.assert_allclose(boxes, [[28 - 8, 18 - 16, 28 + 8, 18 + 16], [32 - 8, 16 - 8, 32 + 8, 16 + 8]], rtol=1e-5)
    np.testing.assert_allclose(scores, [0.72, 0.5], rtol=1e-6)


def test_files_that_are_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"none\.onnx: no such file; it should be a YOLOX"):
        Teacher(tmp_path / "none.onnx", TeacherConfig())
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(MotError, match=r"text\.onnx: cannot be loaded .*it should be a YOLOX"):
        Teacher(tmp_path / "text.onnx", TeacherConfig())
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 5]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(MotError, match=r"other\.onnx: input 'x' is \[1, 5\]"):
        Teacher(tmp_path / "other.onnx", TeacherConfig())


@pytest.mark.data
def test_the_teacher_finds_people_where_they_are(mot_data: Path) -> None:
    """On a frame of a labelled sequence: most of the large people, at good boxes, and few others."""
    image = cv2.imread(str(mot_data / "mot/MOT17-09-FRCNN/img1/000001.jpg"))
    assert image is not None
    rows = Teacher(mot_data / YOLOX, TeacherConfig(tiles=(1,)))(np.asarray(image, np.uint8))
    height, width = image.shape[:2]
    assert set(rows[:, 0]) <= {PERSON, IGNORE}
    assert (rows[:, 1] == -1).all()
    people = rows[rows[:, 0] == PERSON]
    boxes = np.concatenate([people[:, 2:4] - people[:, 4:6] / 2, people[:, 2:4] + people[:, 4:6] / 2], axis=1)
    boxes = boxes * np.array([width, height] * 2, np.float32)
    assert (boxes >= -1).all()
    assert (boxes <= np.array([width, height] * 2) + 1).all()
    truth = read_ground_truth(mot_data / "mot/MOT17-09-FRCNN/gt/gt_train_half.txt").between(1, 1).boxes
    large = truth[truth[:, 3] > 200]
    overlaps = iou_matrix(np.concatenate([large[:, :2], large[:, :2] + large[:, 2:]], axis=1), boxes)
    assert (overlaps.max(axis=1) > 0.5).mean() > 0.6


@pytest.mark.data
def test_an_image_without_people(mot_data: Path) -> None:
    rows = Teacher(mot_data / YOLOX, TeacherConfig(tiles=(1,)))(np.full((60, 100, 3), 127, np.uint8))
    assert rows.shape == (0, 6)
