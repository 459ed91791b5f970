"""Identities of people in single images, whom nobody has followed: unknown, or each their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from training.data.labels import Labels

Identities = Literal["none", "per-box"]


def identities_of(count: int, identities: Identities, first: int) -> npt.NDArray[np.int64]:
    """(count,) -1 for "none"; ``first`` and on for "per-box", as FairMOT does for CrowdHuman."""
    return first + np.arange(count) if identities == "per-box" else np.full(count, -1)


def identity_per_box(labels: Labels, first: int) -> Labels:
    """Give each person without an identity one of their own."""
    labels = labels.copy()
    unknown = (labels[:, 1] < 0) & (labels[:, 0] >= 0)
    labels[unknown, 1] = identities_of(int(unknown.sum()), "per-box", first)
    return labels


def numbered_identities(all_labels: Sequence[Labels]) -> Iterator[Labels]:
    """:func:`identity_per_box` over a data set's images, no identity twice."""
    first = 1 + max((int(labels[:, 1].max(initial=-1)) for labels in all_labels), default=-1)
    for labels in all_labels:
        labels = identity_per_box(labels, first)
        first = max(first, 1 + int(labels[:, 1].max(initial=-1)))
        yield labels
