from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.media import numbered_image, write_image
from training.data.labels import IGNORE, DataError, label_path, load_samples, read_labels, write_labels


def data_set(root: Path, name: str, rows: list[list[list[float]]]) -> None:
    """Images with label rows, and the list file."""
    images = [write_image(root / name / "images" / f"{i}.png", numbered_image(i)) for i in range(len(rows))]
    for image, own in zip(images, rows, strict=True):
        write_labels(label_path(image), np.array(own, np.float32).reshape(-1, 6))
    (root / f"{name}.train").write_text("".join(f"{image.relative_to(root)}\n" for image in images))


def configure(root: Path, *names: str) -> Path:
    config = root / "data.json"
    config.write_text(json.dumps({"root": ".", "train": {name: f"{name}.train" for name in names}}))
    return config


def person(identity: int, label_class: int = 0) -> list[float]:
    return [label_class, identity, 0.5, 0.5, 0.1, 0.4]


def test_labels_stand_beside_their_image() -> None:
    assert label_path(Path("/d/images/x/images/a.b.jpg")) == Path("/d/images/x/labels_with_ids/a.b.txt")
    with pytest.raises(DataError, match=r"/d/pictures/a\.jpg: no folder named 'images'"):
        label_path(Path("/d/pictures/a.jpg"))


def test_written_labels_read_back(tmp_path: Path) -> None:
    rows = np.array([person(3), [-1, -1, 1.2, -0.25, 0.5, 0.125]], np.float32)  # amodal: may leave the image
    write_labels(tmp_path / "new" / "a.txt", rows)
    np.testing.assert_allclose(read_labels(tmp_path / "new" / "a.txt"), rows, atol=1e-6)


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


def test_identities_are_renumbered_over_data_sets(tmp_path: Path) -> None:
    """No two data sets share one, none is unused, unknown ones stay -1; the order is by name."""
    data_set(tmp_path, "b", [[person(7), person(3)], [person(7), person(-1), person(5, IGNORE)]])
    data_set(tmp_path, "a", [[person(7)], []])
    samples = load_samples(configure(tmp_path, "b", "a"))
    assert [(s.image.parent.parent.name, s.labels[:, 1].tolist()) for s in samples.samples] == [
        ("a", [0]),
        ("a", []),
        ("b", [2, 1]),
        ("b", [2, -1, -1]),
    ]
    assert samples.identities == 3


def test_nobody_is_known(tmp_path: Path) -> None:
    data_set(tmp_path, "a", [[], [person(-1)]])
    assert load_samples(configure(tmp_path, "a")).identities == 0


def test_configurations_that_cannot_be_used(tmp_path: Path) -> None:
    config = tmp_path / "data.json"
    with pytest.raises(DataError, match=r"data\.json: cannot be read: No such file.*mot-train data"):
        load_samples(config)
    for content in ("{", "[]", '{"root": "."}', '{"root": ".", "train": ["a.train"]}', '{"root": 3, "train": {}}'):
        config.write_text(content)
        with pytest.raises(DataError, match=r"data\.json: not a data configuration"):
            load_samples(config)
    config.write_text('{"root": ".", "train": {}}')
    with pytest.raises(DataError, match=r"data\.json: no training images"):
        load_samples(config)
    configure(tmp_path, "gone")
    with pytest.raises(DataError, match=r"gone\.train: cannot be read: No such file.*names it for data set 'gone'"):
        load_samples(config)


def test_a_listed_image_or_label_that_is_missing(tmp_path: Path) -> None:
    data_set(tmp_path, "a", [[person(1)], [person(2)]])
    config = configure(tmp_path, "a")
    (tmp_path / "a/labels_with_ids/1.txt").unlink()
    with pytest.raises(DataError, match=r"labels_with_ids/1\.txt: cannot be read"):
        load_samples(config)
    (tmp_path / "a/images/0.png").unlink()
    with pytest.raises(DataError, match=r"images/0\.png: no such image; .*a\.train names it"):
        load_samples(config)
