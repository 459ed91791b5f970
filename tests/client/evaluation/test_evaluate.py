"""client.evaluation.evaluate: from paths to an evaluation, in Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.evaluation.evaluate import evaluate
from client.evaluation.pair import EvaluationError
from tests.client.evaluation.scenes import people, save, synthetic

FRAMES = list(range(1, 21))


def test_two_files_by_their_names(tmp_path: Path) -> None:
    pair = save(tmp_path, "street", people({1: FRAMES, 2: FRAMES}), people({1: FRAMES, 2: FRAMES[:10]}))
    evaluation = evaluate(str(pair.ground_truth), str(pair.result))
    assert (evaluation.combined["MOTA"], evaluation.combined["FN"]) == (75, 10)
    assert [score.name for score in evaluation.sequences] == ["street"]


def test_a_range_and_a_half(tmp_path: Path) -> None:
    pair = save(tmp_path, "street", people({1: FRAMES, 2: FRAMES}), people({1: FRAMES, 2: FRAMES[:10]}))
    assert evaluate(pair.ground_truth, pair.result, start=11, end=14).combined["FN"] == 4
    later = evaluate(pair.ground_truth, pair.result, split="val-half", half="fairmot", length=20)
    assert (later.combined.frames, later.combined["FN"]) == (10, 10)


def test_contradictions_are_said(tmp_path: Path) -> None:
    for name in "AB":
        save(tmp_path / "gt", name, *synthetic(1))
    out = tmp_path / "gt" / "out"
    with pytest.raises(EvaluationError, match="holds 2 sequences; a length and frames per second"):
        evaluate(tmp_path / "gt", out, length=40)
    with pytest.raises(EvaluationError, match="val-half has its own first and last frame"):
        evaluate(tmp_path / "gt", out, split="val-half", start=3)
