from __future__ import annotations

import numpy as np

from training.data.labels import Labels
from training.prepare.identities import identities_of, identity_per_box, numbered_identities


def labels(*rows: tuple[int, int]) -> Labels:
    """Label rows of (class, identity)."""
    return np.array(
        [[label_class, identity, 0.5, 0.5, 0.1, 0.1] for label_class, identity in rows], np.float32
    ).reshape(-1, 6)


def test_unknown_or_one_each() -> None:
    assert identities_of(2, "none", 7).tolist() == [-1, -1]
    assert identities_of(2, "per-box", 7).tolist() == [7, 8]
    assert identities_of(0, "per-box", 7).tolist() == []


def test_people_without_identity_get_one_of_their_own() -> None:
    given = labels((0, -1), (-1, -1), (0, 3), (0, -1))
    assert identity_per_box(given, 10)[:, 1].tolist() == [10, -1, 3, 11]
    assert given[:, 1].tolist() == [-1, -1, 3, -1]


def test_identities_over_images_are_distinct_from_known_ones() -> None:
    given = [labels((0, -1), (0, 2)), labels(), labels((0, -1), (0, 0), (-1, -1))]
    found = [rows[:, 1].tolist() for rows in numbered_identities(given)]
    assert found == [[3, 2], [], [4, 0, -1]]
