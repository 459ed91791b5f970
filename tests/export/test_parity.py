from __future__ import annotations

from pathlib import Path

import pytest

from export.parity import ROUNDINGS, Comparison, Difference, Limits, Parity, ParityError

GRAPH = Path("model.onnx")
EXACT = Difference(rows=3, boxes=1e-5, scores=1e-6, embeddings=1e-6)


def comparison(confident: Difference, faint: Difference, rounding: Difference | None = None) -> Comparison:
    return Comparison(results=[Parity(batch=1, confident=confident, faint=faint, rounding=rounding)], limits=Limits())


def test_comparing_nothing_is_no_proof() -> None:
    with pytest.raises(ParityError, match="--image"):
        comparison(Difference(), Difference()).require(GRAPH)


def test_nan_is_not_within_limits() -> None:
    broken = Difference(rows=3, boxes=float("nan"))
    assert not broken.within(Limits())
    assert not (EXACT | broken).within(Limits())
    assert not (broken | EXACT).within(Limits())


def test_people_are_judged_strictly_whatever_the_rounding() -> None:
    off = Difference(rows=1, boxes=0.011)
    with pytest.raises(ParityError, match=r"batch 1, people: boxes 0\.011 px \(limit 0\.01\)"):
        comparison(off, EXACT, rounding=Difference(rows=9, boxes=1.0)).require(GRAPH)


def test_faint_rows_may_be_as_far_as_float32_is() -> None:
    off = Difference(rows=1, boxes=0.0122)
    with pytest.raises(ParityError, match="faint rows"):
        comparison(EXACT, off).require(GRAPH)
    comparison(EXACT, off, rounding=Difference(rows=1, boxes=0.013)).require(GRAPH)
    too_far = Difference(rows=1, boxes=0.013 * ROUNDINGS + 0.001)
    with pytest.raises(ParityError, match="faint rows"):
        comparison(EXACT, too_far, rounding=Difference(rows=1, boxes=0.013)).require(GRAPH)


def test_the_error_brings_what_was_found() -> None:
    refused = comparison(Difference(rows=1, scores=1.0), EXACT)
    with pytest.raises(ParityError) as error:
        refused.require(GRAPH)
    assert error.value.comparison is refused
