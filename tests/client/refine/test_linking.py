from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from client.refine.linking import link
from mot.sequence import MotRows
from tests.client.refine.rows import results, rows, walk

RED, BLUE = np.eye(2, dtype=np.float32)


def linked(given_rows: MotRows, embeddings: dict[int, npt.NDArray[np.float32]], gap: int = 30) -> list[int]:
    return link(given_rows, embeddings, max_gap=gap, max_distance=0.2).ids.tolist()


def test_who_comes_back_gets_the_first_id() -> None:
    given_rows = rows([*walk(1, range(1, 10)), *walk(4, range(20, 25)), *walk(7, range(40, 42))])
    assert linked(given_rows, {1: RED, 4: RED, 7: RED}) == [1] * 16


@pytest.mark.parametrize(
    ("later", "embedding", "gap"),
    [
        (walk(2, range(20, 25)), BLUE, 30),
        (walk(2, range(20, 25)), RED, 5),
        (walk(2, range(20, 25), left=300), RED, 30),
        (walk(2, range(5, 15)), RED, 30),
        (walk(2, range(9, 15)), RED, 30),
        ([(frame, 2, 2.0 * frame, 0.0, 60.0, 150.0) for frame in range(20, 25)], RED, 30),
    ],
    ids=["another embedding", "too late", "too far", "overlaps in time", "shares a frame", "three times as tall"],
)
def test_another_person_keeps_the_id(
    later: list[tuple[int, int, float, float, float, float]], embedding: npt.NDArray[np.float32], gap: int
) -> None:
    given_rows = rows([*walk(1, range(1, 10)), *later])
    assert linked(given_rows, {1: RED, 2: embedding}, gap) == given_rows.ids.tolist()


def test_crossing_people_are_told_apart_by_embeddings() -> None:
    """Both later tracks begin near both earlier ones."""
    given_rows = rows([*walk(1, [1, 2]), *walk(2, [1, 2], left=5), *walk(3, [6, 7]), *walk(4, [6, 7], left=5)])
    assert linked(given_rows, {1: RED, 2: BLUE, 3: BLUE, 4: RED}) == [1, 1, 2, 2, 2, 2, 1, 1]


def test_whose_embedding_is_nearer_to_somebody_in_view_is_not_joined() -> None:
    """Person 3 comes back with an embedding near 1's, but 2, who walks beside 1, is nearer to 1 than that."""
    given_rows = rows([*walk(1, range(1, 5)), *walk(2, range(1, 5), left=200), *walk(3, range(8, 12))])
    nearly = np.array([np.cos(0.3), np.sin(0.3)], np.float32)
    assert linked(given_rows, {1: RED, 2: BLUE, 3: nearly}) == [1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1]
    twin = np.array([np.cos(0.2), np.sin(0.2)], np.float32)
    assert linked(given_rows, {1: RED, 2: twin, 3: nearly}) == given_rows.ids.tolist()


def test_tracks_without_embeddings_are_left_alone() -> None:
    given_rows = rows([*walk(1, [1, 2]), *walk(2, [4, 5])])
    assert linked(given_rows, {}) == [1, 1, 2, 2]
    assert linked(given_rows, {1: RED}) == [1, 1, 2, 2]


def test_no_rows() -> None:
    assert linked(rows([]), {1: RED}) == []


@given(results())
def test_no_id_is_twice_in_a_frame(given_rows: MotRows) -> None:
    found = link(given_rows, dict.fromkeys(range(1, 5), RED), max_gap=30, max_distance=2)
    assert len(np.unique(np.stack([found.frames, found.ids]), axis=1).T) == len(given_rows)
    assert set(found.ids.tolist()) <= set(given_rows.ids.tolist())
