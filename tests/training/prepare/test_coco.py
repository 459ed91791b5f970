from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.labels import DataError
from training.prepare.coco import coco_pictures


def content() -> dict[str, Any]:
    return {
        "info": {},
        "images": [
            {"id": 9, "file_name": "b.jpg", "width": 100, "height": 80},
            {"id": 4, "file_name": "a.jpg", "width": 0, "height": 0},
            {"id": 5, "file_name": "c.jpg"},
        ],
        "annotations": [
            {"image_id": 9, "category_id": 1, "bbox": [1, 2, 30, 40], "iscrowd": 0},
            {"image_id": 9, "category_id": 1, "bbox": [0, 0, 90, 20.5], "iscrowd": 1},
            {"image_id": 9, "category_id": 18, "bbox": [5, 5, 9, 9], "iscrowd": 0},
            {"image_id": 4, "category_id": 1, "bbox": [3, 3, 9, 9]},
            {"image_id": 4, "category_id": 1, "bbox": [4, 4, 9, 9]},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
    }


def write(folder: Path, value: Any) -> Path:
    path = folder / "instances.json"
    path.write_text(json.dumps(value))
    return path


def test_people_and_crowds(tmp_path: Path) -> None:
    path = write(tmp_path, content())
    a, b, c = coco_pictures(path, tmp_path / "images", "per-box", people_only=False)
    assert [picture.name for picture in (a, b, c)] == ["a.jpg", "b.jpg", "c.jpg"]
    np.testing.assert_array_equal(b.people, [[1, 2, 30, 40]])
    np.testing.assert_array_equal(b.ignored, [[0, 0, 90, 20.5]])
    assert (a.identities.tolist(), b.identities.tolist()) == ([0, 1], [2])
    assert (a.size, b.size, c.size) == (None, (100, 80), None)
    assert b.source == tmp_path / "images/b.jpg"
    assert b.origin == f"{path}: image 9"
    assert c.people.shape == c.ignored.shape == (0, 4)


def test_images_without_people_may_be_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, content())
    pictures = coco_pictures(path, tmp_path, "none", people_only=True)
    assert [picture.name for picture in pictures] == ["a.jpg", "b.jpg"]
    assert pictures[0].identities.tolist() == [-1, -1]


def test_a_data_set_of_pedestrians(tmp_path: Path) -> None:
    value = content()
    value["categories"] = [{"id": 18, "name": "Pedestrian"}]
    (only,) = coco_pictures(write(tmp_path, value), tmp_path, "none", people_only=True)
    np.testing.assert_array_equal(only.people, [[5, 5, 9, 9]])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"categories": [{"id": 1, "name": "dog"}]}, "no category person or pedestrian; there are dog"),
        ({"categories": []}, "no category person or pedestrian; there are none"),
        ({"images": [{"id": 1}]}, "not an annotation file of COCO"),
        ({"annotations": [{"image_id": 9, "category_id": 1, "bbox": [1, 2, 3]}]}, "not an annotation file of COCO"),
        ({"annotations": {}, "images": None}, "not an annotation file of COCO"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DataError, match=rf"instances\.json: {complaint}"):
        coco_pictures(write(tmp_path, content() | change), tmp_path, "none", people_only=False)


def test_what_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.json: cannot be read"):
        coco_pictures(tmp_path / "gone.json", tmp_path, "none", people_only=False)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match=r"a\.json: not JSON"):
        coco_pictures(tmp_path / "a.json", tmp_path, "none", people_only=False)
    with pytest.raises(DataError, match=r"not an annotation file of COCO \(a list\)"):
        coco_pictures(write(tmp_path, []), tmp_path, "none", people_only=False)
