"""Mean embeddings of the tracked people beside a result, ``NAME.embeddings.npz``.

A mean for each track, because linking asks for no more: a file of a few kilobytes, whatever the video's length.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from client.outputs.sink import FileSink
from client.pipeline.tracked import TrackedFrame
from mot.errors import MotError

SUFFIX = ".embeddings.npz"
Embeddings = Mapping[int, npt.NDArray[np.float32]]  # id -> (D,) of length 1


class EmbeddingsError(MotError):
    """A file of embeddings is missing or cannot be read; the message names it and the remedy."""


def embeddings_path(result: Path) -> Path:
    """The embeddings' file of ``NAME.txt``."""
    return result.with_name(result.stem + SUFFIX)


def read_embeddings(path: Path) -> Embeddings:
    """Read what :class:`MeanEmbeddings` wrote.

    Raises:
        EmbeddingsError: there is no such file, or it holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            ids, means = content["ids"], content["embeddings"].astype(np.float32)
    except FileNotFoundError as error:
        raise EmbeddingsError(
            f"{path}: no such file; `mot track --embeddings` writes it beside the result, and so does "
            "`mot challenge track --embeddings`"
        ) from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise EmbeddingsError(f"{path}: not a file of `mot track --embeddings`: {error}") from error
    if means.ndim != 2 or ids.shape != (len(means),) or not np.isfinite(means).all():
        raise EmbeddingsError(
            f"{path}: ids {ids.shape} and embeddings {means.shape} are not (N,) and (N, D) finite numbers"
        )
    return dict(zip(ids.tolist(), means, strict=True))


def write_embeddings(file: BinaryIO, embeddings: Mapping[int, npt.NDArray[np.floating]]) -> None:
    """Write, as an npz, what :func:`read_embeddings` reads."""
    ids = sorted(embeddings)
    means = np.stack([embeddings[track] for track in ids]) if ids else np.zeros((0, 0))
    np.savez(file, ids=np.array(ids, np.int64), embeddings=means.astype(np.float16))


def of_length_one(total: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(D,) as a mean embedding, of a sum of them."""
    return total / max(float(np.linalg.norm(total)), 1e-12)


class MeanEmbeddings:
    """Mean embedding of each id's detections: ``ids`` int64 (N,), ``embeddings`` float16 (N, D) of length 1."""

    def __init__(self) -> None:
        self._sums: dict[int, npt.NDArray[np.float64]] = {}

    def add(self, tracked: TrackedFrame) -> None:
        """Add one frame."""
        embeddings, tracks = tracked.detections.embeddings, tracked.tracks
        assert embeddings is not None, "the commands refuse to write embeddings of detections that have none"
        for track, row in zip(tracks.ids.tolist(), tracks.detections.tolist(), strict=True):
            if row >= 0:  # not one who is only expected here
                self._sums[track] = self._sums.get(track, 0) + embeddings[row].astype(np.float64)

    def write(self, file: BinaryIO) -> None:
        """Write the means, as an npz."""
        write_embeddings(file, {track: of_length_one(total) for track, total in self._sums.items()})


class EmbeddingsSink(FileSink):
    """The file of :class:`MeanEmbeddings`."""

    def _open(self, path: Path) -> None:
        self._file = path.open("wb")
        self._means = MeanEmbeddings()

    def _write(self, tracked: TrackedFrame) -> None:
        self._means.add(tracked)

    def _finish(self) -> bool:
        self._means.write(self._file)
        self._file.close()
        return True

    def _abandon(self) -> None:
        with suppress(OSError):
            self._file.close()
