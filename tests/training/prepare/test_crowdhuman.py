from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.media import numbered_image, write_image
from training.data.labels import DataError
from training.prepare.crowdhuman import read_crowdhuman


def box(fbox: list[float], tag: str = "person", **extra: int) -> dict[str, Any]:
    """As published, with the boxes that do not count."""
    return {
        "tag": tag,
        "fbox": fbox,
        "vbox": [1, 1, 2, 2],
        "hbox": [1, 1, 1, 1],
        "extra": {"box_id": 0, "occ": 1, **extra},
        "head_attr": {"ignore": 0, "unsure": 0},
    }


def write_odgt(path: Path, entries: dict[str, list[dict[str, Any]]]) -> None:
    path.write_text("".join(json.dumps({"ID": name, "gtboxes": boxes}) + "\n" for name, boxes in entries.items()))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The published layout: three archives unpacked side by side."""
    for name in ("CrowdHuman_train01/Images/273271,c9db0.jpg", "CrowdHuman_train02/Images/b.jpg"):
        write_image(tmp_path / name, numbered_image(1))
    write_image(tmp_path / "CrowdHuman_val/Images/c.jpg", numbered_image(2))
    people = [
        box([-5, 2, 20, 40]),
        box([1, 1, 9, 9], ignore=1),
        box([3, 3, 9, 9], tag="mask", ignore=1),
        box([4, 5, 6, 7], ignore=0),
    ]
    write_odgt(tmp_path / "annotation_train.odgt", {"273271,c9db0": people, "b": []})
    write_odgt(tmp_path / "annotation_val.odgt", {"c": [box([1, 2, 3, 4])]})
    return tmp_path


def test_full_bodies_of_people_not_to_be_ignored(source: Path) -> None:
    splits = read_crowdhuman(source, "none").splits
    first, empty = splits["train"]
    np.testing.assert_array_equal(first.people, [[-5, 2, 20, 40], [4, 5, 6, 7]])
    assert first.identities.tolist() == [-1, -1]
    assert first.source == source / "CrowdHuman_train01/Images/273271,c9db0.jpg"
    assert first.name == "273271,c9db0.jpg"
    assert first.origin.endswith("annotation_train.odgt:1")
    assert empty.people.shape == (0, 4)
    assert [picture.name for picture in splits["test"]] == ["c.jpg"]


def test_boxes_left_out_are_counted_and_both_parts_may_train(source: Path) -> None:
    reading = read_crowdhuman(source, "none", "train")
    assert reading.left_out == {"marked to be ignored": 1, "tag mask": 1}
    assert [picture.name for picture in reading.splits["train"]] == ["273271,c9db0.jpg", "b.jpg", "c.jpg"]
    assert reading.splits["test"] == []


def test_an_identity_per_box_over_both_parts(source: Path) -> None:
    splits = read_crowdhuman(source, "per-box").splits
    assert [p.identities.tolist() for split in splits.values() for p in split] == [[0, 1], [], [2]]


def test_the_validation_part_may_be_missing_and_images_may_be_together(source: Path) -> None:
    (source / "annotation_val.odgt").unlink()
    for folder in ("CrowdHuman_train01", "CrowdHuman_train02"):
        for image in (source / folder / "Images").iterdir():
            (source / "Images").mkdir(exist_ok=True)
            image.rename(source / "Images" / image.name)
        (source / folder / "Images").rmdir()
    splits = read_crowdhuman(source, "none").splits
    assert splits["test"] == []
    assert splits["train"][1].source == source / "Images/b.jpg"


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"gtboxes": []}',
        '{"ID": "b"}',
        '{"ID": "b", "gtboxes": [{"tag": "person", "fbox": [1, 2, 3]}]}',
        '{"ID": "b", "gtboxes": [{"tag": "person", "fbox": [1, 2, 3, "x"]}]}',
        '{"ID": "b", "gtboxes": [{"fbox": [1, 2, 3, 4]}]}',
    ],
)
def test_a_malformed_line_is_named(source: Path, line: str) -> None:
    with (source / "annotation_train.odgt").open("a") as file:
        file.write(f"\n{line}\n")
    with pytest.raises(DataError, match=r"annotation_train\.odgt:4: not an annotation of CrowdHuman"):
        read_crowdhuman(source, "none")


def test_missing_images_and_annotations(source: Path, tmp_path: Path) -> None:
    (source / "CrowdHuman_val/Images/c.jpg").rename(source / "CrowdHuman_val/Images/d.jpg")
    with pytest.raises(DataError, match=r"annotation_val\.odgt:1: no image c\.jpg in a folder Images"):
        read_crowdhuman(source, "none")
    (source / "annotation_train.odgt").unlink()
    with pytest.raises(DataError, match=r"annotation_train\.odgt: cannot be read"):
        read_crowdhuman(source, "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: no folder Images"):
        read_crowdhuman(tmp_path / "empty", "none")


@pytest.mark.parametrize("ignore", [1, 1.0, True, "1", "true"])
def test_to_be_ignored_however_a_tool_writes_it(source: Path, ignore: object) -> None:
    """alaksana96/darknet-crowdhuman pull request 1: boxes to be ignored became people."""
    write_odgt(source / "annotation_train.odgt", {"b": [box([1, 2, 3, 4]) | {"extra": {"ignore": ignore}}]})
    reading = read_crowdhuman(source, "none")
    assert len(reading.splits["train"][0].people) == 0
    assert reading.left_out == {"marked to be ignored": 1}


@pytest.mark.parametrize("extra", [None, {}, {"ignore": "0"}, {"ignore": None}, {"ignore": False}])
def test_not_to_be_ignored_however_a_tool_writes_it(source: Path, extra: object) -> None:
    write_odgt(source / "annotation_train.odgt", {"b": [box([1, 2, 3, 4]) | {"extra": extra}]})
    assert read_crowdhuman(source, "none").splits["train"][0].people.tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize("missing", [{}, {"fbox": None}, {"fbox": []}])
def test_people_with_another_box_only_are_left_out_and_counted(source: Path, missing: dict[str, Any]) -> None:
    """timmeinhardt/trackformer issue 22 and the like: one missing key ended the conversion."""
    head = {"tag": "person", "hbox": [1, 1, 5, 5], "vbox": [1, 1, 9, 9], "extra": {}} | missing
    write_odgt(source / "annotation_train.odgt", {"b": [head, box([1, 2, 3, 4])]})
    reading = read_crowdhuman(source, "none")
    assert reading.splits["train"][0].people.tolist() == [[1, 2, 3, 4]]
    assert reading.left_out == {"without a full body (fbox)": 1}


@pytest.mark.parametrize("name", ["b.jpg", "Images/b", "train\\b.jpg"])
def test_an_id_may_be_the_image_s_path(source: Path, name: str) -> None:
    write_odgt(source / "annotation_train.odgt", {name: [box([1, 2, 3, 4])]})
    assert read_crowdhuman(source, "none").splits["train"][0].name == "b.jpg"


@pytest.mark.parametrize("ending", ["\r\n", "\n\n", "\r", "\n  \n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_as_windows_writes_them(source: Path, ending: str, encoding: str) -> None:
    lines = [json.dumps({"ID": name, "gtboxes": [box([1, 2, 3, 4])]}) for name in ("273271,c9db0", "b")]
    (source / "annotation_train.odgt").write_bytes(ending.join([*lines, ""]).encode(encoding))
    assert [len(picture.people) for picture in read_crowdhuman(source, "none").splits["train"]] == [1, 1]


@pytest.mark.parametrize("letter", ["\u2028", "\x85"])
def test_only_line_ends_part_lines(source: Path, letter: str) -> None:
    """datalad issue 3523: JSON may hold what str.splitlines takes for the end of a line."""
    entry = {"ID": "b", "note": f"a{letter}b", "gtboxes": [box([1, 2, 3, 4])]}
    (source / "annotation_train.odgt").write_text(json.dumps(entry, ensure_ascii=False), "utf-8")
    assert len(read_crowdhuman(source, "none").splits["train"]) == 1


def test_a_number_beyond_all_others_is_named(source: Path) -> None:
    """Found by fuzzing: OverflowError."""
    path = source / "annotation_train.odgt"
    path.write_text('{"ID": "a", "gtboxes": [{"tag": "person", "fbox": [1, %s, 3, 4]}]}' % ("9" * 400))
    with pytest.raises(DataError, match=r"annotation_train\.odgt:1: not an annotation of CrowdHuman"):
        read_crowdhuman(source, "none")
