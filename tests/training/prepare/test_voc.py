from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.media import numbered_image, write_image
from training.data.labels import DataError
from training.prepare.voc import read_voc


def entry(name: str, box: tuple[object, ...], difficult: int | None = 0) -> str:
    sides = "".join(
        f"<{side}>{value}</{side}>" for side, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    hard = "" if difficult is None else f"<difficult>{difficult}</difficult>"
    part = "<part><name>person</name><bndbox><xmin>1</xmin></bndbox></part>"
    return f"<object><name>{name}</name>{hard}<bndbox>{sides}</bndbox>{part}</object>"


def write(root: Path, name: str, *objects: str) -> Path:
    path = root / "Annotations" / f"{name}.xml"
    path.parent.mkdir(exist_ok=True)
    write_image(root / f"JPEGImages/{name}.jpg", numbered_image(1, 100, 80))
    size = "<size><width>100</width><height>80</height><depth>3</depth></size>"
    path.write_text(f"<annotation>\n<filename>{name}.jpg</filename>{size}\n{''.join(objects)}</annotation>\n")
    return path


def test_people_and_difficult_ones(tmp_path: Path) -> None:
    write(tmp_path, "b", entry("person", (1, 1, 100, 80)), entry("dog", (2, 2, 3, 3)), entry("person", (5, 6, 7, 8), 1))
    write(tmp_path, "a", entry("Pedestrian", (2.5, 2, 3.5, 3), None))
    a, b = read_voc(tmp_path, None, "train", "per-box").splits["train"]
    # Pixels count from 1 and the last belongs to the box: this one is the whole image.
    np.testing.assert_array_equal(b.people, [[0, 0, 100, 80]])
    np.testing.assert_array_equal(b.ignored, [[4, 5, 3, 3]])
    np.testing.assert_array_equal(a.people, [[1.5, 1, 2, 2]])
    assert (a.identities.tolist(), b.identities.tolist()) == ([0], [1])
    assert a.source == tmp_path / "JPEGImages/a.jpg"


def test_an_image_set_chooses(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path, name)
    (tmp_path / "ImageSets/Main").mkdir(parents=True)
    (tmp_path / "ImageSets/Main/val.txt").write_text("c  1\na -1\n\n")
    assert [picture.name for picture in read_voc(tmp_path, "val", "train", "none").splits["train"]] == [
        "a.jpg",
        "c.jpg",
    ]
    with pytest.raises(DataError, match=r"train\.txt: cannot be read: .*--image-set names it"):
        read_voc(tmp_path, "train", "train", "none")
    (tmp_path / "Annotations/a.xml").unlink()
    with pytest.raises(DataError, match=r"a\.xml: cannot be read: .*every image needs its annotation"):
        read_voc(tmp_path, "val", "train", "none")


def test_an_annotation_without_a_file_name_is_named_as_its_image(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/a.xml").write_text("<annotation/>")
    write_image(tmp_path / "JPEGImages/a.jpg", numbered_image(1))
    (only,) = read_voc(tmp_path, None, "train", "none").splits["train"]
    assert only.name == "a.jpg"
    assert only.people.shape == only.ignored.shape == (0, 4)


def test_annotations_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Annotations: no annotations"):
        read_voc(tmp_path, None, "train", "none")
    path = write(tmp_path, "a", entry("dog", (1, 1, 2, 2)), entry("person", (1, 1, 2, "x")))
    with pytest.raises(DataError, match=r"a\.xml: object 2: bndbox is malformed: could not convert string to float"):
        read_voc(tmp_path, None, "train", "none")
    path.write_text("<annotation>\n<object>\n</annotation>")
    with pytest.raises(DataError, match=r"a\.xml:3: not XML: mismatched tag"):
        read_voc(tmp_path, None, "train", "none")


@pytest.mark.parametrize(
    "written", ["a", "a.JPG", "C:\\\\photos\\\\a.jpg", "/home/me/a.jpg", "renamed.jpg", ""], ids=str
)
def test_whatever_a_tool_wrote_as_file_name(tmp_path: Path, written: str) -> None:
    path = write(tmp_path, "a", entry("person", (1, 1, 100, 80)))
    path.write_text(path.read_text().replace("a.jpg", written))
    (only,) = read_voc(tmp_path, None, "train", "none").splits["train"]
    assert only.source == tmp_path / "JPEGImages/a.jpg"


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (tmp_path / "JPEGImages/a.jpg").rename(tmp_path / "JPEGImages/b.jpg")
    with pytest.raises(DataError, match=r"JPEGImages/a\.jpg: no such image; .*a\.xml names it"):
        read_voc(tmp_path, None, "train", "none")


@pytest.mark.parametrize("size", ["<width>0</width><height>0</height>", "<width>100</width>", ""])
def test_a_size_of_0_is_unknown(tmp_path: Path, size: str) -> None:
    path = write(tmp_path, "a")
    text = path.read_text()
    path.write_text(text[: text.index("<width>")] + size + text[text.index("<depth>") :])
    assert read_voc(tmp_path, None, "train", "none").splits["train"][0].size is None


def test_the_size_is_held_against_the_picture(tmp_path: Path) -> None:
    write(tmp_path, "a")
    assert read_voc(tmp_path, None, "train", "none").splits["train"][0].size == (100, 80)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "gbk", "shift_jis"])
def test_the_encoding_that_the_xml_declares(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "a", entry("person", (1, 1, 100, 80)))
    owner = {"gbk": "行人", "shift_jis": "歩行者"}.get(encoding, "José")
    text = path.read_text().replace("<filename>", f"<owner>{owner}</owner><filename>")
    declared = encoding.removesuffix("-sig")
    path.write_bytes(f'<?xml version="1.0" encoding="{declared}"?>{text}'.encode(encoding))
    assert len(read_voc(tmp_path, None, "train", "none").splits["train"][0].people) == 1


def test_what_is_not_in_its_encoding_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a")
    path.write_bytes(path.read_bytes().replace(b"a.jpg", b"\xe9.jpg"))
    with pytest.raises(DataError, match=r"a\.xml:2: not XML"):
        read_voc(tmp_path, None, "train", "none")


def test_other_classes_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "a", entry("dog", (2, 2, 3, 3)), entry("dog", (2, 2, 3, 3)), entry("person", (5, 6, 7, 8)))
    assert read_voc(tmp_path, None, "train", "none").left_out == {"class dog": 2}


def test_annotations_in_folders_below_are_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a", entry("person", (1, 1, 100, 80)))
    below = tmp_path / "Annotations/night/b.xml"
    below.parent.mkdir()
    below.write_text("<annotation/>")
    with pytest.raises(DataError, match=r"night/b\.xml: lies in a folder below .*Annotations; put all"):
        read_voc(tmp_path, None, "train", "none")


@pytest.mark.parametrize("word", ["1", "True", "true", " 1 "])
def test_difficult_in_other_words(tmp_path: Path, word: str) -> None:
    path = write(tmp_path, "a", entry("person", (1, 1, 100, 80), 1))
    path.write_text(path.read_text().replace("<difficult>1<", f"<difficult>{word}<"))
    (only,) = read_voc(tmp_path, None, "train", "none").splits["train"]
    assert (len(only.people), len(only.ignored)) == (0, 1)


@pytest.mark.parametrize("suffix", [".bmp", ".webp", ".tif"])
def test_other_kinds_of_images_and_names_in_capitals(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, "a", entry("person", (1, 1, 100, 80)))
    path.rename(path.with_suffix(".XML"))
    (tmp_path / "JPEGImages/a.jpg").unlink()
    write_image(tmp_path / f"JPEGImages/a{suffix}", numbered_image(1, 100, 80))
    (only,) = read_voc(tmp_path, None, "train", "none").splits["train"]
    assert only.name == f"a{suffix}"


def test_an_encoding_that_nothing_declares_has_a_remedy(tmp_path: Path) -> None:
    path = write(tmp_path, "a", entry("person", (1, 1, 100, 80)))
    path.write_bytes(path.read_bytes().replace(b"<filename>", b"<folder>\xe9</folder><filename>"))
    with pytest.raises(DataError, match=r"a\.xml:2: not XML: .*; declare its encoding, or save it as UTF-8"):
        read_voc(tmp_path, None, "train", "none")
