from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.media import numbered_image, write_image
from training.data.configuration import write_config
from training.data.labels import DataError
from training.prepare.check import Fault, SetReport, check_config, inspect

GOOD = "0 1 0.5 0.5 0.1 0.5\n"


def labelled(image: Path, text: str | None = GOOD, *, width: int = 100, height: int = 80) -> Path:
    """An image of noise, whose file is long enough to be cut, and its label file."""
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8)
    write_image(image, noise)
    labels = Path(str(image).replace("/images/", "/labels_with_ids/")).with_suffix(".txt")
    labels.parent.mkdir(parents=True, exist_ok=True)
    if text is not None:
        labels.write_text(text)
    return image


def faults(reports: list[SetReport]) -> list[Fault]:
    return [fault for report in reports for fault in report.all_faults()]


def only_fault(config: Path) -> Fault:
    (fault,) = faults(check_config(config, decode=True))
    return fault


def test_a_data_set_without_faults(tmp_path: Path) -> None:
    rows = "0 0 0.5 0.5 0.1 0.1\n0 1 0.5 0.5 0.1 0.5\n0 -1 0.5 0.5 0.1 0.9\n0 -1 0 0 0.1 0.9\n-1 -1 0.5 0.5 1 1\n"
    images = [labelled(tmp_path / "a/images/1.png", rows), labelled(tmp_path / "a/images/2.jpg", "")]
    test = labelled(tmp_path / "b/images/1.png", GOOD, height=600)
    train, tested = check_config(write_config(tmp_path, {"a": images}, {"b": [test]}), decode=True)
    assert faults([train, tested]) == []
    assert (train.name, train.split, len(train.inspections)) == ("a", "train", 2)
    assert train.identities() == {0, 1}
    assert train.heights() == [1, 0, 1, 2, 0, 0]  # 8, 40, 72 and 72 pixels
    assert (tested.name, tested.split) == ("b", "test")
    assert tested.heights() == [0, 0, 0, 0, 0, 1]
    assert train.inspections[0].size == (100, 80)
    assert train.inspections[0].labels.shape == (5, 6)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("0 1 0.5 0.5 0.1", "is not 'class id xc yc w h'"),
        ("0 1 nan 0.5 0.1 0.1", "is not 'class id xc yc w h'"),
        ("0 1 0.5 0.5 0.1 0", "positive size"),
        ("3 1 0.5 0.5 0.1 0.1", "class 3"),
        ("0 -5 0.5 0.5 0.1 0.1", "id -5"),
        ("0 2 1.06 0.5 0.1 0.1", "lies outside of the image"),
        ("0 2 0.5 -0.06 0.1 0.1", "lies outside of the image"),
        ("0 2 512 300 40 90", "are these pixels instead of fractions?"),
        ("0 1 0.2 0.2 0.1 0.1", r"id 1 is already in this frame (line 1)"),
    ],
)
def test_a_bad_line_is_named_and_the_others_count(tmp_path: Path, line: str, complaint: str) -> None:
    image = labelled(tmp_path / "a/images/1.png", f"{GOOD}\n{line}\n0 -1 0.5 0.5 0.1 0.5\n")
    inspection = inspect(image, decode=True)
    (fault,) = inspection.faults
    assert fault.where == f"{tmp_path}/a/labels_with_ids/1.txt:3"
    assert complaint in fault.message
    assert fault.error
    assert inspection.labels[:, 1].tolist() == [1, -1]


def test_boxes_may_leave_the_image_and_unknown_ids_repeat(tmp_path: Path) -> None:
    rows = "0 -1 1.04 0.5 0.1 0.1\n0 -1 0.5 0.5 3 3\n-1 -1 0.5 0.5 0.1 0.1\n-1 -1 0.5 0.5 0.1 0.1\n"
    assert inspect(labelled(tmp_path / "a/images/1.png", rows), decode=True).faults == ()


def test_missing_labels(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"a": [labelled(tmp_path / "a/images/1.png", None)]})
    fault = only_fault(config)
    assert fault.error
    assert "labels_with_ids/1.txt: cannot be read" in fault.message
    assert "needs an empty file" in fault.message


def test_missing_and_broken_images(tmp_path: Path) -> None:
    images = [labelled(tmp_path / f"a/images/{name}") for name in ("1.png", "2.jpg", "3.png", "4.jpg", "5.jpg")]
    images[0].unlink()
    images[1].write_text("no image")
    for image in images[2:4]:
        image.write_bytes(image.read_bytes()[:-500])
    config = write_config(tmp_path, {"a": images})
    found = faults(check_config(config, decode=True))
    assert [Path(fault.where).name for fault in found] == ["1.png", "2.jpg", "3.png", "4.jpg"]
    assert all(fault.error for fault in found)
    assert found[0].message == "missing or no readable image"
    assert "cannot be decoded" in found[3].message
    # Headers alone do not tell that a file is cut.
    assert [Path(f.where).name for f in faults(check_config(config, decode=False))] == ["1.png", "2.jpg"]


def test_gaps_in_ids_are_a_warning_over_both_splits(tmp_path: Path) -> None:
    ids = {"1": 3, "2": 7, "3": 5}
    images = {n: labelled(tmp_path / f"a/images/{n}.png", f"0 {i} 0.5 0.5 0.1 0.1\n") for n, i in ids.items()}
    fault = only_fault(write_config(tmp_path, {"a": [images["1"], images["2"]]}, {"a": [images["3"]]}))
    assert fault == Fault(
        where=str(tmp_path / "a.train"), message="ids 3 to 7: 2 are unused, the first is 4", error=False
    )


def test_images_that_are_trained_and_tested_on(tmp_path: Path) -> None:
    image = labelled(tmp_path / "a/images/1.png")
    link = tmp_path / "b/images/other.png"
    labelled(link).unlink()
    link.symlink_to(image)
    fault = only_fault(write_config(tmp_path, {"a": [image]}, {"b": [link]}))
    assert (fault.where, fault.error) == (str(tmp_path / "data.json"), False)
    assert fault.message == f"1 images are in train and in test, the first is {image}"


def test_an_image_that_is_listed_twice(tmp_path: Path) -> None:
    image = labelled(tmp_path / "a/images/1.png")
    fault = only_fault(write_config(tmp_path, {"a": [image, image]}))
    assert (fault.where, fault.error) == (str(tmp_path / "a.train:2"), False)
    assert fault.message == f"{image} is already in line 1"


def test_lists_that_cannot_be_used(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"a": [labelled(tmp_path / "a/images/1.png")], "b": [tmp_path / "images/x.png"]})
    (tmp_path / "a.train").unlink()
    (tmp_path / "b.train").write_text("\n")
    gone, empty = faults(check_config(config, decode=True))
    assert (gone.where, gone.error) == (str(config), True)
    assert "a.train: cannot be read" in gone.message
    assert empty == Fault(where=str(tmp_path / "b.train"), message="names no image")


def test_an_image_below_no_folder_images(tmp_path: Path) -> None:
    write_image(tmp_path / "pictures/1.png", numbered_image(1))
    fault = only_fault(write_config(tmp_path, {"a": [tmp_path / "pictures/1.png"]}))
    assert "no folder named 'images'" in fault.message


def test_configurations_without_data_sets(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.json: names no data set"):
        check_config(write_config(tmp_path, {}), decode=True)
    (tmp_path / "data.json").write_text("{")
    with pytest.raises(DataError, match="not a data configuration"):
        check_config(tmp_path / "data.json", decode=True)
