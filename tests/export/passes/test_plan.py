from __future__ import annotations

import pytest

from export.passes.plan import ALL, GRAPH_PASSES, HEADS, choose
from mot.errors import MotError


def test_names_are_distinct() -> None:
    assert len(set(ALL)) == len(ALL) == 1 + len(GRAPH_PASSES)


def test_portable_passes_leave_out_the_runtimes_own_operators() -> None:
    assert set(choose("all")) - set(choose("portable")) == {"attention", "single_head"}
    assert choose("none") == ()


def test_passes_are_left_out_by_name_and_keep_their_order() -> None:
    assert choose("portable", ["layout"]) == (
        HEADS,
        "stem",
        "normalise",
        "batchnorm",
        "stage_norm",
        "pointwise",
        "upsample",
    )


def test_unknown_set_and_unknown_pass_are_named() -> None:
    with pytest.raises(MotError, match="'best' is not one of all, portable, none"):
        choose("best")
    with pytest.raises(MotError, match="pass 'fusion' is unknown; there are heads, stem"):
        choose("all", ["fusion"])
