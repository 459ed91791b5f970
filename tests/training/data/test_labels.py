from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.data.labels import LARGEST_ID, DataError, label_path, read_labels, write_labels


def person(identity: int, label_class: int = 0) -> list[float]:
    return [label_class, identity, 0.5, 0.5, 0.1, 0.4]


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        ("/d/images/x/images/a.b.jpg", "/d/images/x/labels_with_ids/a.b.txt"),
        ("images/a.jpg", "labels_with_ids/a.txt"),
        ("/images/a", "/labels_with_ids/a.txt"),
        ("d/images/train/MOT17-02.x/img1/1.png", "d/labels_with_ids/train/MOT17-02.x/img1/1.txt"),
        ("d/images/v1.0/a", "d/labels_with_ids/v1.0/a.txt"),
    ],
)
def test_labels_stand_beside_their_image(image: str, labels: str) -> None:
    assert label_path(Path(image)) == Path(labels)


@pytest.mark.parametrize("image", ["/d/pictures/a.jpg", "/d/myimages/a.jpg", "images.jpg"])
def test_an_image_below_no_folder_images(image: str) -> None:
    with pytest.raises(DataError, match=rf"{image}: no folder named 'images'"):
        label_path(Path(image))


def test_written_labels_read_back(tmp_path: Path) -> None:
    rows = np.array([person(3), [-1, -1, 1.2, -0.25, 0.5, 0.125]], np.float32)  # amodal: may leave the image
    write_labels(tmp_path / "new" / "a.txt", rows)
    np.testing.assert_allclose(read_labels(tmp_path / "new" / "a.txt"), rows, atol=1e-6)


def test_the_largest_identity_survives(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.txt", np.array([person(LARGEST_ID)], np.float32))
    assert read_labels(tmp_path / "a.txt")[0, 1] == LARGEST_ID


def test_an_empty_file_is_an_image_without_people(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n\n")
    assert read_labels(tmp_path / "a.txt").shape == (0, 6)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("0 1 0.5 0.5 0.1", "is not 'class id xc yc w h'"),
        ("0 1 0.5 0.5 0.1 0.4 7", "is not 'class id xc yc w h'"),
        ("0 1 0.5 half 0.1 0.4", "could not convert string to float: 'half'"),
        ("0 1 0.5 0.5 0 0.4", "positive size"),
        ("0 1 0.5 0.5 0.1 -0.4", "positive size"),
        ("0 1 nan 0.5 0.1 0.4", "positive size"),
        ("2 1 0.5 0.5 0.1 0.4", r"class 2; only 0 \(person\) and -1 \(ignored\)"),
        ("0 1.5 0.5 0.5 0.1 0.4", r"id 1\.5; expected a whole number"),
        ("0 -2 0.5 0.5 0.1 0.4", r"id -2; expected a whole number"),
        ("0 16777216 0.5 0.5 0.1 0.4", r"id 1\.67772e\+07; expected a whole number up to 16777215"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"0 1 0.5 0.5 0.1 0.4\n\n{line}\n")
    with pytest.raises(DataError, match=rf"a\.txt:3: .*{complaint}"):
        read_labels(path)


def test_missing_and_binary_label_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt: cannot be read: No such file.*needs an empty file"):
        read_labels(tmp_path / "none.txt")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"a\.txt: not a text file"):
        read_labels(tmp_path / "a.txt")


@pytest.mark.parametrize("line", ["0 1 -1e308 0.5 0.1 0.2", "0 1 0.5 0.5 1e-320 0.2", "0 1 0.5 0.5 0.1 " + "9" * 5000])
def test_numbers_that_float32_has_not(tmp_path: Path, line: str) -> None:
    """Found by fuzzing: -inf, or a box without a size, among the labels."""
    path = tmp_path / "a.txt"
    path.write_text(line)
    with pytest.raises(DataError, match=r"a\.txt:1: .* with a positive size") as found:
        read_labels(path)
    assert len(str(found.value)) < 1000 + len(str(path))
