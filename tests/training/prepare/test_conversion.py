from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.media import numbered_image, write_image
from tests.training.prepare.snapshot import snapshot
from training.data.labels import DataError, read_labels
from training.prepare.conversion import NO_SIZE, NOT_FINITE, OUTSIDE, Picture, Reading, convert, convert_data_set


def picture(source: Path, *people: list[float], **options: object) -> Picture:
    settings: dict[str, object] = {
        "source": source,
        "name": source.name,
        "origin": "labels.txt:3",
        "people": np.array(people, np.float64).reshape(-1, 4),
        "identities": np.arange(len(people)),
    }
    return Picture(**(settings | options))  # type: ignore[arg-type]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_image(tmp_path / "source/a.png", numbered_image(1, 100, 80))


def test_pixels_become_fractions_and_nothing_is_clipped(image: Path, tmp_path: Path) -> None:
    ignored = np.array([[0.0, 0, 50, 8]])
    converted = convert([picture(image, [10, 20, 20, 40], [-10, 20, 20, 100], ignored=ignored)], tmp_path / "out", "x")
    np.testing.assert_allclose(
        read_labels(tmp_path / "out/labels_with_ids/a.txt"),
        [[0, 0, 0.2, 0.5, 0.2, 0.5], [0, 1, 0, 0.875, 0.2, 1.25], [-1, -1, 0.25, 0.05, 0.5, 0.1]],
    )
    assert converted.images == [tmp_path / "out/images/a.png"]
    assert (converted.people, converted.ignored, converted.left_out) == (2, 1, {})
    assert converted.images[0].resolve() == image


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([100, 20, 20, 40], OUTSIDE),
        ([-20, 20, 20, 40], OUTSIDE),
        ([10, 80, 20, 40], OUTSIDE),
        ([10, 20, 0, 40], NO_SIZE),
        ([10, 20, 20, -4], NO_SIZE),
        ([10, 20, 1e-5, 40], NO_SIZE),
        ([10, 20, float("nan"), 40], NOT_FINITE),
        ([10, 20, float("inf"), 40], NOT_FINITE),
    ],
    ids=["right", "left", "below", "no width", "negative", "too thin to write", "nan", "infinite"],
)
def test_boxes_that_nobody_can_see_are_left_out(image: Path, tmp_path: Path, box: list[float], reason: str) -> None:
    converted = convert([picture(image, box, [99, 20, 20, 40])], tmp_path / "out", "x")
    assert (converted.people, converted.left_out) == (1, {reason: 1})
    assert read_labels(tmp_path / "out/labels_with_ids/a.txt")[:, 1].tolist() == [1]


def test_an_image_without_people_gets_an_empty_file(image: Path, tmp_path: Path) -> None:
    convert([picture(image, name="deep/b.png")], tmp_path / "out", "x")
    assert (tmp_path / "out/labels_with_ids/deep/b.txt").read_bytes() == b""


def test_fractions_are_of_the_turned_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 100)).save(tmp_path / "a.jpg", exif=exif)
    convert([picture(tmp_path / "a.jpg", [0, 0, 100, 80], size=(100, 80))], tmp_path / "out", "x")
    np.testing.assert_allclose(read_labels(tmp_path / "out/labels_with_ids/a.txt"), [[0, 0, 0.5, 0.5, 1, 1]])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"source": Path("gone.png")}, r"gone\.png: missing or no readable image; labels\.txt:3 names it"),
        ({"size": (80, 100)}, r"a\.png: is 100x80, but labels\.txt:3 says 80x100; its boxes .*0 is unknown"),
        ({"name": "../a.png"}, r"labels\.txt:3: image '\.\./a\.png' lies outside of the data set"),
        ({"name": "/tmp/a.png"}, r"labels\.txt:3: image '/tmp/a\.png' lies outside"),
    ],
    ids=["missing", "another size", "above", "absolute"],
)
def test_pictures_that_cannot_be(image: Path, tmp_path: Path, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        convert([replace(picture(image), **options)], tmp_path / "out", "x")
    assert not (tmp_path / "out").exists()


def test_images_that_would_share_a_label_file(image: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"image 'a\.jpg' would share its labels with an image of labels\.txt:3"):
        convert([picture(image), picture(image, name="a.jpg", origin="labels.txt:4")], tmp_path / "out", "x")


def reading(origin: Path, **splits: list[Picture]) -> Reading:
    return Reading(origin=origin, splits=splits)  # type: ignore[arg-type]


def test_a_second_conversion_changes_nothing_and_mends_what_is_missing(image: Path, tmp_path: Path) -> None:
    given = reading(image, train=[picture(image, [10, 20, 20, 40])], test=[picture(image, name="b.png")])
    out = tmp_path / "out"
    convert_data_set(out, "set", given)
    content = json.loads((out / "data.json").read_text())
    assert content == {"root": ".", "train": {"set": "set.train"}, "test": {"set": "set.test"}}
    assert (out / "set.test").read_text() == "set/test/images/b.png\n"
    before = snapshot(out)
    assert len(before) == 9
    convert_data_set(out, "set", given)
    assert snapshot(out) == before
    # As after Ctrl-C: some files are there, the configuration is not.
    for name in ("set/test/images/b.png", "set/train/labels_with_ids/a.txt", "set.train", "data.json"):
        (out / name).unlink()
    convert_data_set(out, "set", given)
    assert {name: content for name, (content, _) in snapshot(out).items()} == {n: c for n, (c, _) in before.items()}


def test_a_split_that_is_not_there_is_left_as_it_is(image: Path, tmp_path: Path) -> None:
    some = picture(image, [10, 20, 20, 40])
    convert_data_set(tmp_path, "set", reading(image, train=[some]))
    convert_data_set(tmp_path, "set", reading(image, test=[replace(some, name="b.png")]))
    assert json.loads((tmp_path / "data.json").read_text())["train"] == {"set": "set.train"}
    converted = convert_data_set(tmp_path, "set", reading(image, train=[some], test=[]))
    assert "test" not in json.loads((tmp_path / "data.json").read_text())
    assert {split: (len(part.images), part.before) for split, part in converted.items()} == {
        "train": (1, 1),
        "test": (0, 1),
    }


def test_the_same_name_in_two_splits_is_two_pictures(image: Path, tmp_path: Path) -> None:
    other = write_image(tmp_path / "other/a.png", numbered_image(2, 100, 80))
    convert_data_set(tmp_path, "set", reading(image, train=[picture(image, [10, 20, 20, 40])]))
    convert_data_set(tmp_path, "set", reading(other, test=[picture(other, [50, 20, 20, 40])]))
    assert (tmp_path / "set/train/images/a.png").resolve() == image
    assert read_labels(tmp_path / "set/train/labels_with_ids/a.txt")[:, 2].tolist() == [pytest.approx(0.2)]
    assert read_labels(tmp_path / "set/test/labels_with_ids/a.txt")[:, 2].tolist() == [pytest.approx(0.6)]


def test_another_origin_needs_another_name_or_overwrite(image: Path, tmp_path: Path) -> None:
    first, second = reading(tmp_path / "a.json", train=[picture(image, [1, 2, 3, 4])]), tmp_path / "b.json"
    convert_data_set(tmp_path, "set", first)
    before = snapshot(tmp_path)
    other = reading(second, train=[picture(image, [1, 2, 3, 4], name="x.png")])
    with pytest.raises(DataError, match=r"set/train: data set 'set' was made from .*a\.json; choose another --name"):
        convert_data_set(tmp_path, "set", other)
    assert snapshot(tmp_path) == before
    convert_data_set(tmp_path, "set", other, overwrite=True)
    assert (tmp_path / "set.train").read_text() == "set/train/images/x.png\n"
    assert not (tmp_path / "set/train/images/a.png").exists()


def test_nobody_found_is_an_error_with_what_was_read(image: Path, tmp_path: Path) -> None:
    given = Reading(
        origin=tmp_path / "a.json", splits={"train": [picture(image, [500, 2, 3, 4])]}, left_out={"class dog": 12}
    )
    complaint = r"a\.json: nobody was found in 1 images; left out: 12 class dog, 1 outside of the image"
    with pytest.raises(DataError, match=complaint):
        convert_data_set(tmp_path / "out", "set", given)
    assert not (tmp_path / "out/data.json").exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a.train", "/tmp/a"])
def test_names_that_would_share_a_place(image: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="--name"):
        convert_data_set(tmp_path / "out", name, reading(image, train=[picture(image, [1, 2, 3, 4])]))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a\nb.png", "a\rb.png", "stra\udcdfe.png"])
def test_names_that_cannot_stand_in_a_list_are_refused(image: Path, tmp_path: Path, name: str) -> None:
    """ranger pull request 1703: a name may hold any byte; a list has one a line, in UTF-8."""
    source = image.rename(image.with_name(name))
    with pytest.raises(DataError, match=r"the name is no UTF-8, or breaks a line.*rename it"):
        convert([picture(source, [1, 2, 3, 4])], tmp_path / "out", "x")
