from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.data.labels import DataError
from training.prepare.voc import voc_pictures


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
    size = "<size><width>100</width><height>80</height><depth>3</depth></size>"
    path.write_text(f"<annotation>\n<filename>{name}.jpg</filename>{size}\n{''.join(objects)}</annotation>\n")
    return path


def test_people_and_difficult_ones(tmp_path: Path) -> None:
    write(tmp_path, "b", entry("person", (1, 1, 100, 80)), entry("dog", (2, 2, 3, 3)), entry("person", (5, 6, 7, 8), 1))
    write(tmp_path, "a", entry("Pedestrian", (2.5, 2, 3.5, 3), None))
    a, b = voc_pictures(tmp_path, None, "per-box")
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
    assert [picture.name for picture in voc_pictures(tmp_path, "val", "none")] == ["a.jpg", "c.jpg"]
    with pytest.raises(DataError, match=r"train\.txt: cannot be read: .*--image-set names it"):
        voc_pictures(tmp_path, "train", "none")
    (tmp_path / "Annotations/a.xml").unlink()
    with pytest.raises(DataError, match=r"a\.xml: cannot be read: .*every image needs its annotation"):
        voc_pictures(tmp_path, "val", "none")


def test_an_annotation_without_a_file_name_is_named_as_its_image(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/a.xml").write_text("<annotation/>")
    (only,) = voc_pictures(tmp_path, None, "none")
    assert only.name == "a.jpg"
    assert only.people.shape == only.ignored.shape == (0, 4)


def test_annotations_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Annotations: no annotations"):
        voc_pictures(tmp_path, None, "none")
    path = write(tmp_path, "a", entry("dog", (1, 1, 2, 2)), entry("person", (1, 1, 2, "x")))
    with pytest.raises(DataError, match=r"a\.xml: object 2: bndbox is malformed: could not convert string to float"):
        voc_pictures(tmp_path, None, "none")
    path.write_text("<annotation>\n<object>\n</annotation>")
    with pytest.raises(DataError, match=r"a\.xml:3: not XML: mismatched tag"):
        voc_pictures(tmp_path, None, "none")
