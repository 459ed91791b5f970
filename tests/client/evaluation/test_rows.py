"""client.evaluation.rows: frame numbers of halves, in files of the whole sequence and in files that count from 1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from client.evaluation.benchmark import take_half
from client.evaluation.pair import Numbering, SequencePair
from client.evaluation.rows import read_rows
from client.evaluation.scoring import score_pairs
from mot.sequence import MotRows
from tests.client.evaluation.scenes import people, save, synthetic

LENGTH = 25  # fairmot's halves: 1 to 12, and 13 to 25, which has one frame more


def scene(folder: Path, result: MotRows) -> SequencePair:
    return replace(save(folder, "A", people({1: list(range(1, LENGTH + 1))}), result), length=LENGTH)


@pytest.mark.parametrize(
    ("frames", "numbering", "expected", "renumbered"),
    [
        ([1, 5, 13], "auto", [13, 17, 25], True),
        ([5], "auto", [17], True),
        ([13, 25], "auto", [13, 25], False),
        ([13], "auto", [13], False),
        ([1, 12, 13, 25], "auto", [13, 25], False),
        ([1, 14], "auto", [14], False),
        ([1, 13], "original", [13], False),
        ([13], "from-1", [25], True),
        ([], "auto", [], False),
    ],
)
def test_numbering_of_a_result(
    tmp_path: Path, frames: list[int], numbering: Numbering, expected: list[int], renumbered: bool
) -> None:
    rows = read_rows(take_half(scene(tmp_path, people({1: frames})), "val-half", "fairmot", numbering))
    assert rows.found.frames.tolist() == expected
    assert (rows.renumbered, rows.first, rows.last, rows.count) == (renumbered, 13, 25, 13)
    assert rows.truth.frames.tolist() == list(range(13, 26))


def test_the_first_half_has_one_numbering(tmp_path: Path) -> None:
    pair = scene(tmp_path, people({1: [1, 2, 24]}))
    for numbering in ("auto", "from-1", "original"):
        rows = read_rows(take_half(pair, "train-half", "fairmot", numbering))
        assert rows.found.frames.tolist() == [1, 2] and not rows.renumbered


def test_both_numberings_score_the_same(tmp_path: Path) -> None:
    truth, found = synthetic(3)
    whole = replace(save(tmp_path / "whole", "A", truth, found), length=40)
    cut = [replace(rows.between(22, 40), frames=rows.between(22, 40).frames - 21) for rows in (truth, found)]
    from_1 = replace(save(tmp_path / "cut", "A", *cut), length=40)
    mixed = replace(whole, result=from_1.result)
    first, *others = (score_pairs([take_half(pair, "val-half")]) for pair in (whole, from_1, mixed))
    assert first.combined.frames == 19 and first.combined["FN"] > 0
    assert first.renumbered == ()
    for other in others:
        assert other.combined.values == first.combined.values
        assert other.renumbered == ("A",)
