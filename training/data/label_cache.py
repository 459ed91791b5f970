"""Labels of a data set, parsed once.

The rows stand in a file beside the list file (``.NAME.train.labels.npz``) with each label file's size and times
of change; where these differ, and only there, a label file is parsed again. The cache may be deleted at any time.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mot.files import whole_file
from training.data.labels import Labels, label_file, read_labels

_VERSION = 2  # of the file's layout and of what labels.read_labels accepts
_Cached = tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64], Labels]  # paths, stamps, counts, rows


def read_all_labels(images: Sequence[Path], root: Path, listing: Path) -> tuple[Labels, npt.NDArray[np.int64]]:
    """Rows (R, 6) of all images, one after the other, and how many each image has (N,).

    Args:
        root: the data set may move with this folder and its list file, and keeps its cache.

    Raises:
        DataError: a label file is missing or a line is malformed.
    """
    cache = listing.with_name(f".{listing.name}.labels.npz")
    files = [label_file(str(image)) for image in images]
    names = [file.removeprefix(f"{root}{os.sep}") for file in files]
    stamps = np.array([_stamp(file) for file in files], np.int64).reshape(-1, 3)
    old_names, old_stamps, old_counts, old_rows = _read(cache)
    if names == old_names and np.array_equal(stamps, old_stamps):
        return old_rows, old_counts
    known = {
        (name, *stamp): rows
        for name, stamp, rows in zip(
            old_names, old_stamps.tolist(), np.split(old_rows, np.cumsum(old_counts)[:-1]), strict=False
        )
    }
    parts = [
        rows if (rows := known.get((name, *stamp))) is not None else read_labels(Path(file))
        for name, stamp, file in zip(names, stamps.tolist(), files, strict=True)
    ]
    counts = np.array([len(part) for part in parts], np.int64)
    rows = np.concatenate([np.empty((0, 6), np.float32), *parts])
    _write(cache, (names, stamps, counts, rows))
    return rows, counts


def _stamp(path: str) -> tuple[int, int, int]:
    """Size and times of change; zeros for a missing file, which reading it complains about."""
    try:
        status = os.stat(path)  # noqa: PTH116 - pathlib takes longer than the call itself
    except OSError:
        return 0, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read(cache: Path) -> _Cached:
    """What the cache holds; nothing where it is missing, damaged or of another version."""
    try:
        with np.load(cache, allow_pickle=False) as content:
            if int(content["version"]) == _VERSION:
                names = content["names"].tobytes().decode()
                return names.split("\n") if names else [], content["stamps"], content["counts"], content["rows"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    return [], np.empty((0, 3), np.int64), np.empty(0, np.int64), np.empty((0, 6), np.float32)


def _write(cache: Path, content: _Cached) -> None:
    names, stamps, counts, rows = content
    text = np.frombuffer("\n".join(names).encode(), np.uint8)
    try:
        with whole_file(cache) as temporary:
            np.savez(temporary, version=_VERSION, names=text, stamps=stamps, counts=counts, rows=rows)
    except OSError:
        pass  # a data set may be read-only: then every start parses its labels
