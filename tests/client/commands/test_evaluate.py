"""``mot eval`` with halves, seqmaps, two results and plots; the plain forms are in tests/test_cli.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mot.sequence import write_ground_truth, write_results
from tests.client.evaluation.scenes import people
from tests.command import ROOT, Outcome
from tests.media import names

Mot = Callable[..., Outcome]
LENGTH = 20
HALF = list(range(12, 21))  # val-half by bytetrack


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    """MOT17-02 and 04 under one detector's name each; results of the whole, of the half from 1, and a worse one."""
    for name in ("MOT17-02-SDP", "MOT17-04-SDP"):
        folder = tmp_path / "gt" / name
        truth = people({1: list(range(1, LENGTH + 1)), 2: list(range(1, LENGTH + 1))})
        write_ground_truth(folder / "gt" / "gt.txt", truth)
        (folder / "img1").mkdir()
        for number in range(1, LENGTH + 1):
            (folder / "img1" / f"{number:06}.jpg").touch()
        write_results(tmp_path / "whole" / f"{name}.txt", truth)
        later = truth.between(12, 20)
        write_results(tmp_path / "half" / f"{name}.txt", replace(later, frames=later.frames - 11))
        write_results(tmp_path / "worse" / f"{name}.txt", people({1: list(range(1, LENGTH + 1)), 2: [1, 12, 20]}))
    return tmp_path


@pytest.mark.parametrize("result", ["whole", "half"])
def test_a_half_in_either_numbering(mot: Mot, benchmark: Path, result: str) -> None:
    scores = benchmark / "scores.json"
    outcome = mot("eval", benchmark / "gt", benchmark / result, "--split", "val-half", "--json", scores)
    assert outcome.status == 0, outcome.err
    document = json.loads(scores.read_text())
    assert document["combined"]["MOTA"] == 100 and document["combined"]["Frames"] == 2 * len(HALF)
    both = "MOT17-02-SDP, MOT17-04-SDP"
    assert document["renumbered"] == (both.split(", ") if result == "half" else [])
    note = f"note: {benchmark}/half: frames counted from 1 within the half: {both} (--numbering original, if not)\n"
    assert outcome.err == (note if result == "half" else "")


def test_the_other_convention_has_a_frame_more(mot: Mot, benchmark: Path) -> None:
    scores = benchmark / "scores.json"
    chosen = "--split", "val-half", "--half", "fairmot", "--json", scores
    assert mot("eval", benchmark / "gt", benchmark / "whole", *chosen).status == 0
    assert json.loads(scores.read_text())["combined"]["Frames"] == 2 * (len(HALF) + 1)


def test_numbering_can_be_said(mot: Mot, benchmark: Path) -> None:
    scores = benchmark / "scores.json"
    chosen = "--split", "val-half", "--numbering", "original", "--json", scores
    outcome = mot("eval", benchmark / "gt", benchmark / "half", *chosen)
    assert json.loads(scores.read_text())["combined"]["Rcll"] == 0
    assert outcome.err.count("has no rows in frames 12 to 20") == 2


def test_a_seqmap_chooses(mot: Mot, benchmark: Path) -> None:
    (benchmark / "map.txt").write_text("name\nMOT17-04-SDP\n")
    (benchmark / "half" / "MOT17-02-SDP.txt").unlink()
    chosen = "--split", "val-half", "--json", benchmark / "scores.json"
    outcome = mot("eval", benchmark / "gt", benchmark / "half", *chosen)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"error: {benchmark}/half: no result for MOT17-02-SDP; complete the folder, or ")
    assert mot("eval", benchmark / "gt", benchmark / "half", *chosen, "--seqmap", benchmark / "map.txt").status == 0
    assert list(json.loads((benchmark / "scores.json").read_text())["sequences"]) == ["MOT17-04-SDP"]


def test_two_results_with_plots(mot: Mot, benchmark: Path) -> None:
    a, b, plots = benchmark / "worse", benchmark / "whole", benchmark / "plots"
    outcome = mot("eval", benchmark / "gt", a, "--against", b, "--json", benchmark / "c.json", "--plots", plots)
    assert outcome.status == 0, outcome.err
    assert outcome.out.startswith(f"A: {a}\nB: {b}\n")
    assert outcome.out.splitlines()[-1] == str(plots / "report.html")
    assert names(plots) == {"alpha.png", "sequences.png", "timeline.png", "report.html"}
    document = json.loads((benchmark / "c.json").read_text())
    assert document["difference"]["COMBINED"]["FN"] == 2 * 17
    assert [(s["first"], s["last"], s["people"]) for s in document["broke"][:2]] == 2 * [(2, 19, [2])]
    assert document["mended"] == []
    assert max(map(len, outcome.out.split("\n\n", 1)[1].splitlines()[:-1])) <= 80


def test_plots_of_one_result(mot: Mot, benchmark: Path) -> None:
    outcome = mot("eval", benchmark / "gt", benchmark / "worse", "--plots", benchmark / "plots")
    assert outcome.status == 0, outcome.err
    assert (benchmark / "plots" / "report.html").read_text().count("<img") == 3


def test_errors_by_cause(mot: Mot, benchmark: Path) -> None:
    document = benchmark / "scores.json"
    outcome = mot("eval", benchmark / "gt", benchmark / "worse", "--errors", "--json", document)
    assert outcome.status == 0, outcome.err
    assert max(map(len, outcome.out.splitlines())) <= 80
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["miss", "a", "person", "without", "a", "box", "17", "17", "34"] in lines
    assert ["miss", "0", "0", "34", "0", "0"] in lines  # by height
    assert "visible part" not in outcome.out  # the labels do not say
    errors = json.loads(document.read_text())["errors"]
    assert errors["combined"]["causes"]["miss"] == 34 and list(errors["sequences"]) == ["MOT17-02-SDP", "MOT17-04-SDP"]
    assert mot("eval", benchmark / "gt", benchmark / "worse", "--json", document).status == 0
    assert "errors" not in json.loads(document.read_text())


def test_errors_of_two_results(mot: Mot, benchmark: Path) -> None:
    a, b = benchmark / "worse", benchmark / "whole"
    outcome = mot("eval", benchmark / "gt", a, "--against", b, "--errors", "--json", benchmark / "c.json")
    assert outcome.status == 0, outcome.err
    document = json.loads((benchmark / "c.json").read_text())
    assert [document[side]["errors"]["combined"]["causes"]["miss"] for side in ("result", "against")] == [34, 0]
    assert all(f"Errors of {side} by cause" in outcome.out for side in "AB")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "val-half", "--start", "3"), "a half has its own first and last frame"),
        (("--split", "val-half", "--end", "3"), "a half has its own first and last frame"),
        (("--against", "half", "--csv", "x.csv"), "a comparison is written by --json"),
        (("--against", "whole"), "is the result itself"),
        (("--split", "half"), "'half' is not one of"),
        (("--top", "0"), "--top"),
    ],
)
def test_wrong_usage_is_status_2(
    mot: Mot, benchmark: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(benchmark)
    outcome = mot("eval", "gt", "whole", *arguments)
    assert outcome.status == 2
    assert message in " ".join(outcome.err.replace("│", "").split())


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from client.cli import main\n"
        "try: main(['eval', '--help'])\n"
        "except SystemExit: print(sorted({'matplotlib', 'numpy', 'scipy', 'trackeval'} & sys.modules.keys()))\n"
        "import client.evaluation.scoring\n"
        "print('matplotlib' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-2:] == ["[]", "False"]
