"""The images of a data configuration with their labels, identities numbered over all data sets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.data.configuration import Split, read_config, read_list
from training.data.label_cache import read_all_labels
from training.data.labels import DataError, Labels


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One image."""

    image: Path
    labels: Labels  # (M, 6): class, identity over all data sets or -1, xc, yc, w, h (fractions)


@dataclass(frozen=True, kw_only=True)
class SampleSet:
    """All images of a split."""

    samples: list[Sample]
    identities: int  # ids in use are 0 .. identities - 1


def load_samples(
    config: Path,
    identities_from: Collection[str] | None = None,
    *,
    split: Split = "train",
    leave_out: Collection[str] = (),
) -> SampleSet:
    """Read a data configuration's images and labels.

    Ids are per data set; they are renumbered so that no two data sets share one and none is unused. Labels are
    parsed once: see :mod:`training.data.label_cache`.

    Args:
        identities_from: data sets whose ids count; people of the others become unknown (-1). None: all of them.
        leave_out: data sets that are not read.

    Raises:
        DataError: a file is missing or malformed, or an unknown data set is named.
    """
    configuration = read_config(config)
    lists = configuration.lists[split]
    for name in (*(identities_from or ()), *leave_out):
        if name not in lists:
            raise DataError(f"{config}: no data set {name!r} for {split}; there are {', '.join(lists) or 'none'}")
    samples: list[Sample] = []
    identities = 0
    for name, listing in lists.items():
        if name in leave_out:
            continue
        images = list(read_list(configuration, name, listing).values())
        for image in images:
            if not image.is_file():
                raise DataError(f"{image}: no such image; {listing} names it")
        rows, counts = read_all_labels(images, configuration.root, listing)
        if identities_from is None or name in identities_from:
            identities += _renumber(rows, first=identities)
        else:
            rows[:, 1] = -1
        ends = np.cumsum(counts).tolist()
        for image, start, end in zip(images, [0, *ends], ends, strict=False):
            samples.append(Sample(image=image, labels=rows[start:end]))
    if not samples:
        raise DataError(f"{config}: no {'training' if split == 'train' else split} images")
    return SampleSet(samples=samples, identities=identities)


def _renumber(rows: npt.NDArray[np.float32], first: int) -> int:
    """Number the known ids of (M, 6) rows from ``first`` on, in their order and in place; returns how many."""
    known = rows[:, 1] >= 0
    ids, numbers = np.unique(rows[known, 1], return_inverse=True)
    rows[:, 1] = -1
    rows[known, 1] = first + numbers
    return len(ids)
