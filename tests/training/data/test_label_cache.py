from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from training.data.label_cache import read_all_labels
from training.data.labels import DataError, Labels, label_path, write_labels

CACHE = ".a.train.labels.npz"


def row(identity: int) -> Labels:
    return np.array([[0, identity, 0.5, 0.5, 0.25, 0.5]], np.float32)


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Three images (their label files, that is) with one, no and two people."""
    images = [tmp_path / f"a/images/{name}.jpg" for name in "xyz"]
    for image, rows in zip(images, (row(1), row(1)[:0], np.concatenate([row(2), row(3)])), strict=True):
        write_labels(label_path(image), rows)
    return images


def ids(images: list[Path], root: Path) -> tuple[list[float], list[int]]:
    rows, counts = read_all_labels(images, root, root / "a.train")
    return rows[:, 1].tolist(), counts.tolist()


def forge(root: Path) -> None:
    """Let the cache say that everybody is 99: what is read from it shows."""
    with np.load(root / CACHE) as content:
        fields = dict(content)
    fields["rows"][:, 1] = 99
    np.savez(root / CACHE, **fields)


def test_a_second_reading_parses_nothing(images: list[Path], tmp_path: Path) -> None:
    assert ids(images, tmp_path) == ([1, 2, 3], [1, 0, 2])
    forge(tmp_path)
    assert ids(images, tmp_path) == ([99, 99, 99], [1, 0, 2])


def test_rows_may_be_changed_by_the_caller(images: list[Path], tmp_path: Path) -> None:
    for _ in range(2):
        rows, _counts = read_all_labels(images, tmp_path, tmp_path / "a.train")
        rows[:, 1] = 7
    assert ids(images, tmp_path) == ([1, 2, 3], [1, 0, 2])


def test_only_changed_files_are_parsed_again(images: list[Path], tmp_path: Path) -> None:
    ids(images, tmp_path)
    forge(tmp_path)
    write_labels(label_path(images[0]), row(5))
    assert ids(images, tmp_path) == ([5, 99, 99], [1, 0, 2])


def test_a_file_of_the_same_size_and_time_is_told_apart(images: list[Path], tmp_path: Path) -> None:
    ids(images, tmp_path)
    path = label_path(images[0])
    status = path.stat()
    write_labels(path, row(4))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ids(images, tmp_path)[0] == [4, 2, 3]


def test_another_list_takes_what_it_can_use(images: list[Path], tmp_path: Path) -> None:
    ids(images, tmp_path)
    forge(tmp_path)
    new = tmp_path / "a/images/w.jpg"
    write_labels(label_path(new), row(8))
    assert ids([images[2], new], tmp_path) == ([99, 99, 8], [2, 1])
    assert ids([], tmp_path) == ([], [])


def test_a_deleted_label_file_is_missed(images: list[Path], tmp_path: Path) -> None:
    ids(images, tmp_path)
    label_path(images[1]).unlink()
    with pytest.raises(DataError, match=r"y\.txt: cannot be read"):
        ids(images, tmp_path)


def test_a_data_set_that_moves_keeps_its_cache(images: list[Path], tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    shutil.move(tmp_path / "a", old / "a")
    moved = [old / path.relative_to(tmp_path) for path in images]
    ids(moved, old)
    forge(old)
    old.rename(new)
    assert ids([new / path.relative_to(old) for path in moved], new)[0] == [99, 99, 99]


@pytest.mark.parametrize("damage", [b"", b"no archive", None], ids=["empty", "text", "cut"])
def test_a_damaged_cache_is_built_again(images: list[Path], tmp_path: Path, damage: bytes | None) -> None:
    expected = ids(images, tmp_path)
    cache = tmp_path / CACHE
    cache.write_bytes(cache.read_bytes()[:-40] if damage is None else damage)
    assert ids(images, tmp_path) == expected
    forge(tmp_path)  # it can be read
    assert ids(images, tmp_path)[0] == [99, 99, 99]


def test_a_cache_of_another_version_is_not_believed(images: list[Path], tmp_path: Path) -> None:
    ids(images, tmp_path)
    forge(tmp_path)
    with np.load(tmp_path / CACHE) as content:
        fields = dict(content)
    np.savez(tmp_path / CACHE, **(fields | {"version": np.array(-1)}))
    assert ids(images, tmp_path)[0] == [1, 2, 3]


def test_a_cache_that_cannot_be_written_is_done_without(images: list[Path], tmp_path: Path) -> None:
    (tmp_path / CACHE).mkdir()
    assert ids(images, tmp_path) == ([1, 2, 3], [1, 0, 2])
