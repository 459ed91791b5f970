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
from training.prepare.conversion import Picture, convert, convert_data_set


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
    assert (converted.people, converted.left_out) == (2, 0)
    assert converted.images[0].resolve() == image


@pytest.mark.parametrize(
    "box",
    [
        [100, 20, 20, 40],
        [-20, 20, 20, 40],
        [10, 80, 20, 40],
        [10, 20, 0, 40],
        [10, 20, 20, -4],
        [10, 20, 1e-5, 40],
        [10, 20, float("nan"), 40],
        [10, 20, float("inf"), 40],
    ],
    ids=["right", "left", "below", "no width", "negative", "too thin to write", "nan", "infinite"],
)
def test_boxes_that_nobody_can_see_are_left_out(image: Path, tmp_path: Path, box: list[float]) -> None:
    converted = convert([picture(image, box, [99, 20, 20, 40])], tmp_path / "out", "x")
    assert (converted.people, converted.left_out) == (1, 1)
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
        ({"size": (80, 100)}, r"a\.png: is 100x80, but labels\.txt:3 says \(80, 100\)"),
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


def test_a_second_conversion_changes_nothing_and_mends_what_is_missing(image: Path, tmp_path: Path) -> None:
    splits = {"train": [picture(image, [10, 20, 20, 40])], "test": [picture(image, name="b.png")]}
    out = tmp_path / "out"
    convert_data_set(out, "set", splits)  # type: ignore[arg-type]
    content = json.loads((out / "data.json").read_text())
    assert content == {"root": ".", "train": {"set": "set.train"}, "test": {"set": "set.test"}}
    assert (out / "set.test").read_text() == "set/images/b.png\n"
    before = snapshot(out)
    assert len(before) == 7
    convert_data_set(out, "set", splits)  # type: ignore[arg-type]
    assert snapshot(out) == before
    # As after Ctrl-C: some files are there, the configuration is not.
    for name in ("set/images/b.png", "set/labels_with_ids/a.txt", "set.train", "data.json"):
        (out / name).unlink()
    convert_data_set(out, "set", splits)  # type: ignore[arg-type]
    assert {name: content for name, (content, _) in snapshot(out).items()} == {n: c for n, (c, _) in before.items()}


def test_a_split_that_is_not_there_is_left_as_it_is(image: Path, tmp_path: Path) -> None:
    convert_data_set(tmp_path, "set", {"train": [picture(image)]})
    convert_data_set(tmp_path, "set", {"test": [picture(image, name="b.png")]})
    assert json.loads((tmp_path / "data.json").read_text())["train"] == {"set": "set.train"}
    convert_data_set(tmp_path, "set", {"train": [picture(image)], "test": []})
    assert "test" not in json.loads((tmp_path / "data.json").read_text())
