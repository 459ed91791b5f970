from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.labels import DataError
from training.prepare.coco import read_coco


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
    a, b, c = read_coco(path, tmp_path / "images", "train", "per-box", people_only=False).splits["train"]
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
    pictures = read_coco(path, tmp_path, "train", "none", people_only=True).splits["train"]
    assert [picture.name for picture in pictures] == ["a.jpg", "b.jpg"]
    assert pictures[0].identities.tolist() == [-1, -1]


def test_a_data_set_of_pedestrians(tmp_path: Path) -> None:
    value = content()
    value["categories"] = [{"id": 18, "name": "Pedestrian"}]
    (only,) = read_coco(write(tmp_path, value), tmp_path, "train", "none", people_only=True).splits["train"]
    np.testing.assert_array_equal(only.people, [[5, 5, 9, 9]])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"categories": [{"id": 1, "name": "dog"}]}, "no category person or pedestrian; there are dog"),
        ({"categories": []}, "no category person or pedestrian; there are none"),
        ({"images": [{"id": 1}]}, r"image 1: not an image of COCO \(KeyError\('file_name'\)\)"),
        ({"images": [7]}, "image 1 of the list: not an image of COCO"),
        ({"images": [{"id": 3, "file_name": None}]}, "image 3: not an image of COCO .*file_name is None"),
        ({"images": [{"id": 3, "file_name": "a.jpg", "width": "wide"}]}, "image 3: not an image of COCO .*wide"),
        (
            {"images": [{"id": 1, "file_name": "a.jpg"}, {"id": "1", "file_name": "b.jpg"}]},
            r"image 1: this id is that of a\.jpg, too; give each image its own",
        ),
        ({"annotations": [None]}, "annotation 1 of the list: is None, not an object"),
        (
            {"annotations": [{"image_id": 9, "category_id": 1, "bbox": [1, 2, 3]}]},
            "annotation 1 of the list: no box in bbox",
        ),
        ({"annotations": [{"id": 7, "image_id": 9}]}, "annotation 7: has no 'category_id'"),
        ({"annotations": {}, "images": None}, "not an annotation file of COCO"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DataError, match=rf"instances\.json: {complaint}"):
        read_coco(write(tmp_path, content() | change), tmp_path, "train", "none", people_only=False)


def test_what_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.json: cannot be read"):
        read_coco(tmp_path / "gone.json", tmp_path, "train", "none", people_only=False)
    for text in ("{", "[" * 100_000):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(DataError, match=r"a\.json: not JSON"):
            read_coco(tmp_path / "a.json", tmp_path, "train", "none", people_only=False)
    with pytest.raises(DataError, match=r"not an annotation file of COCO \(a list\)"):
        read_coco(write(tmp_path, []), tmp_path, "train", "none", people_only=False)


def test_ids_with_a_fraction_and_names_of_another_system(tmp_path: Path) -> None:
    value = content()
    value["images"] = [{"id": 9.0, "file_name": "night\\b.jpg"}]
    value["annotations"] = [{"image_id": "9", "category_id": 1.0, "bbox": [1, 2, 30, 40]}]
    (only,) = read_coco(write(tmp_path, value), tmp_path, "train", "none", people_only=False).splits["train"]
    assert (only.name, only.source) == ("night/b.jpg", tmp_path / "night/b.jpg")
    np.testing.assert_array_equal(only.people, [[1, 2, 30, 40]])


def test_a_box_of_nothing_is_taken_from_the_segmentation(tmp_path: Path) -> None:
    value = content()
    value["annotations"] = [
        {"image_id": 9, "category_id": 1, "bbox": [0, 0, 0, 0], "segmentation": [[10, 10, 30, 10, 30, 50, 10, 50]]}
    ]
    _, b, _ = read_coco(write(tmp_path, value), tmp_path, "train", "none", people_only=False).splits["train"]
    np.testing.assert_array_equal(b.people, [[10, 10, 20, 40]])


def test_every_annotation_is_counted(tmp_path: Path) -> None:
    value = content()
    value["annotations"] += [
        {"id": 31, "image_id": 99, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"id": 32, "image_id": 9, "category_id": 55, "bbox": [1, 2, 3, 4]},
        {"id": 33, "image_id": 9, "category_id": 1, "bbox": None, "segmentation": [[]]},
    ]
    reading = read_coco(write(tmp_path, value), tmp_path, "test", "none", people_only=False)
    assert list(reading.splits) == ["test"]
    assert reading.left_out == {
        "category dog": 1,
        "of images that are not listed (such as 99)": 1,
        "unknown category 55": 1,
        "without a box": 1,
    }


def test_ids_as_text_are_the_same_ids(tmp_path: Path) -> None:
    value = content()
    for annotation in value["annotations"]:
        annotation |= {"image_id": str(annotation["image_id"]), "category_id": str(annotation["category_id"])}
    reading = read_coco(write(tmp_path, value), tmp_path, "train", "none", people_only=True)
    assert [len(picture.people) for picture in reading.splits["train"]] == [2, 1]


@pytest.mark.parametrize(
    "outline",
    [
        [[10, 10, 30, 10, 30, 50, 10, 50]],
        [[10, 10, 30, 10, 30, 20], [10, 40, 20, 50, 12, 50]],
        {"size": [64, 96], "counts": [10 * 64 + 10, *([40, 24] * 19), 40, 64 * 96 - 30 * 64 + 14]},
    ],
    ids=["polygon", "two polygons", "run lengths"],
)
def test_a_box_around_a_segmentation(tmp_path: Path, outline: object) -> None:
    value = content()
    value["annotations"] = [{"image_id": 9, "category_id": 1, "segmentation": outline}]
    reading = read_coco(write(tmp_path, value), tmp_path, "train", "none", people_only=True)
    np.testing.assert_array_equal(reading.splits["train"][0].people, [[10, 10, 20, 40]])


@pytest.mark.parametrize("key", ["bbox", "segmentation"])
def test_a_number_beyond_all_others_is_named(tmp_path: Path, key: str) -> None:
    huge = int("9" * 400)
    boxes = {"bbox": [1, huge, 3, 4], "segmentation": [[1, 1, huge, 1, 4, 4]]}
    value = content()
    value["annotations"][0] = {"id": 1, "image_id": 1, "category_id": 1, key: boxes[key]}
    value["images"] = [{"id": 1, "file_name": "a.jpg"}]
    value["categories"] = [{"id": 1, "name": "person"}]
    with pytest.raises(DataError, match=r"annotation 1: no box in bbox"):
        read_coco(write(tmp_path, value), tmp_path, "train", "none", people_only=False)


@pytest.mark.parametrize("size", [[6], [False, 8], [0, 0]])
def test_a_mask_without_a_size_is_named(tmp_path: Path, size: list[int]) -> None:
    """Found by fuzzing: IndexError, and a division by zero that ends the process."""
    value = content()
    mask = {"size": size, "counts": "T15l0"}
    value["annotations"] = [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": mask}]
    value["images"], value["categories"] = [{"id": 1, "file_name": "a.jpg"}], [{"id": 1, "name": "person"}]
    with pytest.raises(DataError, match=r"annotation 1: no box in bbox None or the segmentation"):
        read_coco(write(tmp_path, value), tmp_path, "train", "none", people_only=False)
