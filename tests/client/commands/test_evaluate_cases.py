"""``mot eval`` on the files of field reports, which lie in MOT_CASES, by default ../shared/cases."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command import ROOT, Outcome

Mot = Callable[..., Outcome]
pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def cases() -> Path:
    """Folder of the cases; the test is skipped where it is missing."""
    folder = Path(os.environ.get("MOT_CASES", ROOT.parent / "shared" / "cases")) / "video-and-eval"
    if not folder.is_dir():
        pytest.skip(f"cases not found at {folder}; set MOT_CASES")
    return folder


def scores(mot: Mot, tmp_path: Path, *arguments: object) -> tuple[dict[str, Any], str]:
    """Rounded measures, and what was warned of."""
    outcome = mot("eval", *arguments, "--json", tmp_path / "scores.json")
    assert outcome.status == 0, outcome.err
    combined = json.loads((tmp_path / "scores.json").read_text())["combined"]
    return {name: round(combined[name], 2) for name in ("MOTA", "IDF1", "FP", "FN")}, outcome.err


def test_marks_that_are_fractions(mot: Mot, cases: Path, tmp_path: Path) -> None:
    folder = cases / "gt_fraction_marks"
    found, warned = scores(mot, tmp_path, folder / "gt.txt", folder / "res.txt")
    assert found == {"MOTA": 87.5, "IDF1": 93.62, "FP": 0, "FN": 1}
    assert "24 labels have marks such as 0.61" in " ".join(warned.split())


@pytest.mark.parametrize("labels", ["gt_distractors.txt", "gt_zero.txt"])
def test_nothing_to_score(mot: Mot, cases: Path, labels: str) -> None:
    folder = cases / "nothing_to_score"
    outcome = mot("eval", folder / labels, folder / "res.txt")
    assert (outcome.status, outcome.out) == (1, "")
    assert f"error: {folder / labels}: no label to score in frames 1 to 8" in " ".join(outcome.err.split())


@pytest.mark.parametrize("form", ["space", "tab", "semicolon", "trailcomma", "11col", "zerobox"])
def test_what_the_official_scorer_reads(mot: Mot, cases: Path, tmp_path: Path, form: str) -> None:
    folder = cases / "official_reads_these"
    found, warned = scores(mot, tmp_path, folder / "gt.txt", folder / f"res_{form}.txt")
    expected = {"MOTA": 83.33, "IDF1": 91.67, "FP": 1} if form == "zerobox" else {"MOTA": 87.5, "IDF1": 93.62, "FP": 0}
    assert found == {**expected, "FN": 1}
    assert warned.startswith("warning: ") and f"res_{form}.txt" in warned


def test_a_seqinfo_with_the_length_only(mot: Mot, cases: Path, tmp_path: Path) -> None:
    folder = cases / "minimal_seqinfo"
    found, warned = scores(mot, tmp_path, folder / "b", folder / "r")
    assert found["MOTA"] == 87.5
    assert warned == ""
