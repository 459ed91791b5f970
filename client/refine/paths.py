"""The rows of a result, person by person."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from mot.sequence import MotRows


def paths(rows: MotRows) -> Iterator[MotRows]:
    """Each id's rows in the order of their frames, by ascending id."""
    ordered = rows[np.lexsort((rows.frames, rows.ids))]
    for part in np.split(np.arange(len(ordered)), np.flatnonzero(np.diff(ordered.ids)) + 1):
        if len(part):
            yield ordered[part]


def by_frame(parts: Iterable[MotRows], like: MotRows) -> MotRows:
    """All rows in the order of frames, then ids; no rows of the kind of ``like`` where there are no parts."""
    kept = [like[:0], *parts]
    names = [field.name for field in dataclasses.fields(MotRows)]
    joined = MotRows(**{name: np.concatenate([getattr(part, name) for part in kept]) for name in names})
    return joined[np.lexsort((joined.ids, joined.frames))]
