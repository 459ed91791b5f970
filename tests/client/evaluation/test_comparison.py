"""client.evaluation.comparison: two results of the same people."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from client.commands.evaluation_tables import comparison_tables
from client.evaluation.comparison import Comparison, compare, signed_difference
from client.evaluation.measures import MEASURES, Evaluation
from client.evaluation.pair import EvaluationError
from client.evaluation.scoring import score_pairs
from tests.client.evaluation.scenes import people, save

FRAMES = list(range(1, 21))
HOLE = [frame for frame in FRAMES if not 8 <= frame <= 12]


def evaluation(folder: Path, **results: dict[int, list[int]]) -> Evaluation:
    """Results by sequence; in each, persons 1 and 2 stand still for twenty frames."""
    truth = people({1: FRAMES, 2: FRAMES})
    return score_pairs([save(folder, name, truth, people(found)) for name, found in results.items()])


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """A loses person 2 for five frames of the first sequence, and finds person 1 of the second, whom B misses."""
    a = evaluation(tmp_path / "a", S1={1: FRAMES, 2: HOLE}, S2={1: FRAMES})
    b = evaluation(tmp_path / "b", S1={1: FRAMES, 2: FRAMES}, S2={})
    return compare(a, b, most=5)


def printed(comparison: Comparison, top: int = 10, *, colour: bool = False) -> str:
    console = Console(width=80, file=io.StringIO(), force_terminal=colour, color_system="standard" if colour else None)
    for table in comparison_tables(comparison, top):
        console.print(table)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_what_broke_and_what_was_mended(comparison: Comparison) -> None:
    assert [(s.sequence, s.first, s.last, s.missed, s.people) for s in comparison.broke] == [("S1", 8, 12, 5, (2,))]
    assert [(s.sequence, s.first, s.last, s.missed, s.false) for s in comparison.mended] == [("S2", 1, 20, 20, 0)]


def test_json_has_both_and_their_difference(comparison: Comparison) -> None:
    document = json.loads(comparison.to_json())
    for side, one in (("result", comparison.a), ("against", comparison.b)):
        assert document[side] == json.loads(one.to_json())
    for name in ("S1", "S2"):
        for measure in MEASURES:
            a, b = (document[side]["sequences"][name][measure.name] for side in ("result", "against"))
            expected = None if a is None else a - b
            assert document["difference"][name][measure.name] == expected
    assert document["difference"]["S1"]["FN"] == 5 and document["difference"]["COMBINED"]["FN"] == -15
    assert document["broke"] == [
        {"sequence": "S1", "first": 8, "last": 12, "missed": 5, "false": 0, "switched": 0, "people": [2], "mistakes": 5}
    ]


def test_tables_show_every_side(comparison: Comparison) -> None:
    text = printed(comparison)
    assert max(map(len, text.splitlines())) <= 80
    lines = [line.split() for line in text.splitlines() if line.split()]
    rows = {(" ".join(line[:2]) if line[1:2] == ["A"] else line[0]): line for line in lines}
    assert rows["S1 A"][-2] == "5" and rows["S2 A"][-2] == "20" and rows["COMBINED A"][-2] == "25"
    differences = [line for line in lines if line[0] == "A−B"]
    assert [line[-2] for line in differences] == ["+5", "−20", "−15"]  # FN
    assert ["S1", "8–12", "5", "5", "0", "0", "2"] in lines
    assert ["S2", "1–20", "20", "20", "0", "0", "1"] in lines


def test_colours_are_by_what_is_better(comparison: Comparison) -> None:
    text = printed(comparison, colour=True)
    assert re.search(r"\x1b\[31m *\+5\b", text)  # more missed
    assert re.search(r"\x1b\[32m *−20\b", text)
    measures = {measure.name: measure for measure in MEASURES}
    a, b = comparison.a.sequences[0], comparison.b.sequences[0]
    assert signed_difference(measures["FN"], a, b) == ("+5", "worse")
    assert signed_difference(measures["FN"], b, a) == ("−5", "better")
    assert signed_difference(measures["MOTA"], a, b) == ("−12.5", "worse")
    assert signed_difference(measures["MOTA"], b, a) == ("+12.5", "better")
    assert signed_difference(measures["FP"], a, b) == ("0", "")


def test_as_many_stretches_as_asked_for(tmp_path: Path) -> None:
    gaps = [frame for frame in FRAMES if frame not in (3, 10, 11, 17)]
    a, b = evaluation(tmp_path / "a", S={1: gaps, 2: FRAMES}), evaluation(tmp_path / "b", S={1: FRAMES, 2: FRAMES})
    assert [stretch.first for stretch in compare(a, b, most=5).broke] == [10, 3, 17]
    assert [stretch.first for stretch in compare(a, b, most=1).broke] == [10]
    assert "10–11" in printed(compare(a, b, most=5), top=1) and "17–17" not in printed(compare(a, b, most=5), top=1)


def test_the_same_result_twice(tmp_path: Path) -> None:
    one = evaluation(tmp_path, S={1: FRAMES, 2: HOLE})
    same = compare(one, one, most=5)
    assert same.broke == same.mended == ()
    assert set(json.loads(same.to_json())["difference"]["S"].values()) == {0, None}


def test_other_sequences_are_named(tmp_path: Path) -> None:
    a = evaluation(tmp_path / "a", S1={1: FRAMES}, S2={1: FRAMES}, S3={1: FRAMES})
    b = evaluation(tmp_path / "b", S2={1: FRAMES}, S4={1: FRAMES})
    with pytest.raises(EvaluationError, match="only the result has S1, S3; only what it is held against has S4; name"):
        compare(a, b, most=5)
