from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.media import numbered_image, write_image
from training.data.labels import IGNORE, DataError, label_path, write_labels
from training.data.samples import SampleSet, load_samples


def data_set(root: Path, name: str, rows: list[list[list[float]]], split: str = "train") -> None:
    """Images with label rows, and the list file."""
    images = [write_image(root / name / "images" / f"{i}.png", numbered_image(i)) for i in range(len(rows))]
    for image, own in zip(images, rows, strict=True):
        write_labels(label_path(image), np.array(own, np.float32).reshape(-1, 6))
    (root / f"{name}.{split}").write_text("".join(f"{image.relative_to(root)}\n" for image in images))


def configure(root: Path, *names: str, test: tuple[str, ...] = ()) -> Path:
    config = root / "data.json"
    lists = {"train": {n: f"{n}.train" for n in names}, "test": {n: f"{n}.test" for n in test}}
    config.write_text(json.dumps({"root": "."} | lists))
    return config


def person(identity: int, label_class: int = 0) -> list[float]:
    return [label_class, identity, 0.5, 0.5, 0.1, 0.4]


def identities(samples: SampleSet) -> list[tuple[str, list[float]]]:
    return [(s.image.parent.parent.name, s.labels[:, 1].tolist()) for s in samples.samples]


@pytest.fixture
def two_sets(tmp_path: Path) -> Path:
    data_set(tmp_path, "b", [[person(7), person(3)], [person(7), person(-1), person(5, IGNORE)]])
    data_set(tmp_path, "a", [[person(7)], []])
    return configure(tmp_path, "b", "a")


def test_identities_are_renumbered_over_data_sets(two_sets: Path) -> None:
    """No two data sets share one, none is unused, unknown ones stay -1; the order is by name. An ignored box may have
    one: a crop of a re-identification data set."""
    samples = load_samples(two_sets)
    assert identities(samples) == [("a", [0]), ("a", []), ("b", [3, 1]), ("b", [3, -1, 2])]
    assert samples.identities == 4
    assert identities(load_samples(two_sets)) == identities(samples)  # out of the cache


def test_identities_of_chosen_data_sets(two_sets: Path) -> None:
    samples = load_samples(two_sets, ["b"])
    assert identities(samples) == [("a", [-1]), ("a", []), ("b", [2, 0]), ("b", [2, -1, 1])]
    assert samples.identities == 3
    assert load_samples(two_sets, []).identities == 0
    with pytest.raises(DataError, match=r"data\.json: no data set 'c' for train; there are a, b"):
        load_samples(two_sets, ["c"])


def test_data_sets_are_left_out_by_name(two_sets: Path) -> None:
    samples = load_samples(two_sets, leave_out=["b"])
    assert identities(samples) == [("a", [0]), ("a", [])]
    assert samples.identities == 1
    with pytest.raises(DataError, match=r"data\.json: no data set 'c' for train; there are a, b"):
        load_samples(two_sets, leave_out=["c"])


def test_the_test_split(tmp_path: Path) -> None:
    data_set(tmp_path, "a", [[person(7)]])
    data_set(tmp_path, "c", [[person(4)], [person(9)]], "test")
    samples = load_samples(configure(tmp_path, "a", test=("c",)), split="test")
    assert identities(samples) == [("c", [0]), ("c", [1])]
    with pytest.raises(DataError, match="no test images"):
        load_samples(configure(tmp_path, "a"), split="test")


def test_nobody_is_known(tmp_path: Path) -> None:
    data_set(tmp_path, "a", [[], [person(-1)]])
    assert load_samples(configure(tmp_path, "a")).identities == 0


def test_nothing_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.json: no training images"):
        load_samples(configure(tmp_path))
    (tmp_path / "a.train").write_text("\n")
    with pytest.raises(DataError, match=r"data\.json: no training images"):
        load_samples(configure(tmp_path, "a"))


def test_a_listed_image_or_label_that_is_missing(tmp_path: Path) -> None:
    data_set(tmp_path, "a", [[person(1)], [person(2)]])
    config = configure(tmp_path, "a")
    (tmp_path / "a/labels_with_ids/1.txt").unlink()
    with pytest.raises(DataError, match=r"labels_with_ids/1\.txt: cannot be read"):
        load_samples(config)
    (tmp_path / "a/images/0.png").unlink()
    with pytest.raises(DataError, match=r"images/0\.png: no such image; .*a\.train names it"):
        load_samples(config)
