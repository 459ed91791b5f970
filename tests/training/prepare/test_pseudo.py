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
from training.prepare.pseudo import Boxes, Scores, Teacher, TeacherConfig, fuse, is_whole, lies_within, pixel_boxes

PUBLISHED = "models/rtmdet_nano_person.onnx"


def view(*rows: tuple[float, float, float, float, float]) -> tuple[Boxes, Scores]:
    array = np.array(rows, np.float32).reshape(-1, 5)
    return array[:, :4], array[:, 4]


def test_a_box_of_two_views_is_their_mean_weighed_by_score() -> None:
    boxes, scores = fuse([view((0, 0, 20, 60, 0.9)), view((3, 0, 23, 60, 0.3))], 0.6, 0.1)
    np.testing.assert_allclose(boxes, [[0.75, 0, 20.75, 60]])
    np.testing.assert_allclose(scores, [0.6])


def test_what_one_view_alone_shows_counts_half() -> None:
    boxes, scores = fuse([view((0, 0, 20, 60, 0.5), (50, 0, 70, 60, 0.15)), view()], 0.6, 0.1)
    np.testing.assert_allclose(boxes, [[0, 0, 20, 60]])  # the other falls below the floor
    np.testing.assert_allclose(scores, [0.25])


def test_two_people_of_one_view_stay_two() -> None:
    """Close to one another: each finds its own in the other view."""
    first = view((0, 0, 20, 60, 0.9), (4, 0, 24, 60, 0.8))
    second = view((4, 0, 24, 60, 0.7), (0, 0, 20, 60, 0.6))
    boxes, scores = fuse([first, second], 0.6, 0.1)
    np.testing.assert_allclose(boxes, [[0, 0, 20, 60], [4, 0, 24, 60]])
    np.testing.assert_allclose(scores, [0.75, 0.75])


def test_nothing_seen() -> None:
    boxes, scores = fuse([view(), view()], 0.6, 0.1)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


def test_whole_people() -> None:
    boxes = np.array(
        [
            [10, 10, 30, 70],  # upright
            [40, 10, 70, 50],  # too wide: sitting, or cut
            [0, 10, 20, 70],  # at the border
            [80, 10, 100, 50],  # short, and somebody nearer before the legs
            [82, 25, 106, 90],  # who that is
            [12, 12, 22, 32],  # a part of the first
            [110, 10, 120, 70],  # too thin
        ],
        np.float32,
    )
    assert is_whole(boxes, 200, 100).tolist() == [True, False, False, False, True, False, False]
    assert is_whole(np.zeros((0, 4), np.float32), 9, 9).shape == (0,)


def test_parts_lie_within_people_who_are_larger() -> None:
    person = np.array([[0, 0, 20, 60]], np.float32)
    boxes = np.array([[2, 2, 18, 30], [0, 0, 20, 58], [15, 0, 35, 60]], np.float32)
    assert lies_within(boxes, person).tolist() == [True, False, False]
    assert lies_within(boxes, person[:0]).tolist() == [False] * 3


@pytest.mark.data
def test_the_sure_and_whole_are_people_others_regions_and_parts_nothing(mot_data: Path) -> None:
    teacher = Teacher(mot_data / PUBLISHED, TeacherConfig())
    boxes = np.array([[10, 10, 30, 70], [12, 12, 22, 32], [50, 10, 70, 70], [40, 10, 70, 45]], np.float32)
    scores = np.array([0.6, 0.4, 0.3, 0.9], np.float32)
    rows = teacher.judge(boxes, scores, 200, 100)
    assert rows[:, 0].tolist() == [PERSON, IGNORE, IGNORE]
    assert (rows[:, 1] == -1).all()
    np.testing.assert_allclose(pixel_boxes(rows, 200, 100), boxes[[0, 2, 3]], atol=1e-4)
    assert len(teacher.judge(boxes, np.full(4, 0.15, np.float32), 200, 100)) == 0


def test_files_that_are_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(MotError, match=r"none\.onnx: no such file; it should be OpenMMLab's RTMDet"):
        Teacher(tmp_path / "none.onnx", TeacherConfig())
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(MotError, match=r"text\.onnx: cannot be loaded .*it should be OpenMMLab's"):
        Teacher(tmp_path / "text.onnx", TeacherConfig())
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 5]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(MotError, match=r"other\.onnx: no output 'dets'"):
        Teacher(tmp_path / "other.onnx", TeacherConfig())


@pytest.mark.data
def test_the_teacher_finds_people_where_they_are(mot_data: Path) -> None:
    """On a frame of a labelled sequence: most of the large people, at good boxes."""
    image = cv2.imread(str(mot_data / "mot/MOT17-09-FRCNN/img1/000001.jpg"))
    assert image is not None
    boxes, scores = Teacher(mot_data / PUBLISHED, TeacherConfig()).look(np.asarray(image, np.uint8))
    assert (np.diff(scores) <= 0).all()
    height, width = image.shape[:2]
    assert (boxes > -0.01).all()
    assert (boxes < np.array([width, height] * 2) + 0.01).all()
    truth = read_ground_truth(mot_data / "mot/MOT17-09-FRCNN/gt/gt_train_half.txt").between(1, 1).boxes
    large = truth[truth[:, 3] > 200]
    large = np.concatenate([large[:, :2], large[:, :2] + large[:, 2:]], axis=1)
    assert (iou_matrix(large, boxes[scores > 0.4]).max(axis=1) > 0.5).mean() > 0.6


@pytest.mark.data
def test_an_image_without_people(mot_data: Path) -> None:
    boxes, _ = Teacher(mot_data / PUBLISHED, TeacherConfig()).look(np.full((60, 100, 3), 127, np.uint8))
    assert boxes.shape == (0, 4)
