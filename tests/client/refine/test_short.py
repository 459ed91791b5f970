from __future__ import annotations

import pytest

from client.refine.short import drop_short
from tests.client.refine.rows import rows, walk


@pytest.mark.parametrize(
    ("min_length", "kept"), [(0, {1, 2, 5}), (1, {1, 2, 5}), (2, {2, 5}), (3, {5}), (4, set())], ids=str
)
def test_ids_with_fewer_rows_go(min_length: int, kept: set[int]) -> None:
    given = rows([*walk(1, [3]), *walk(2, [1, 9]), *walk(5, [1, 2, 3])])
    assert set(drop_short(given, min_length).ids.tolist()) == kept


def test_no_rows() -> None:
    assert len(drop_short(rows([]), 3)) == 0
