"""Whatever TrackEval 1.3 reads and scores, ours scores equally, and says what is irregular."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trackeval

from client.evaluation.evaluate import evaluate
from client.evaluation.measures import Evaluation
from client.evaluation.pair import EvaluationError
from mot.errors import MotError

FRAMES = range(1, 9)
LABELS = [f"{frame},{person},{100 * person + frame},50,40,100,1,1,1" for frame in FRAMES for person in (1, 2, 3)]
# Person 3 is missed in one frame, and changes its id in another.
ROWS = [
    f"{frame},{7 if person == 3 and frame > 5 else person},{100 * person + frame + 2},51,40,100,0.9,-1,-1,-1"
    for frame in FRAMES
    for person in (1, 2, 3)
    if (frame, person) != (4, 3)
]


def as_text(rows: list[str]) -> str:
    return "\n".join(rows) + "\n"


def official(folder: Path, labels: str, rows: str) -> tuple[float, float, int]:
    """MOTA, IDF1 and FP by TrackEval's Evaluator on these texts."""
    for file, text in (("gt/S/gt/gt.txt", labels), ("trackers/ours/data/S.txt", rows)):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text(text, encoding="utf-8")
    quiet = {"PRINT_RESULTS": False, "PRINT_CONFIG": False, "TIME_PROGRESS": False, "LOG_ON_ERROR": None}
    nothing = {"OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False, "PLOT_CURVES": False}
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "gt"),
            "TRACKERS_FOLDER": str(folder / "trackers"),
            "BENCHMARK": "MOT17",
            "SKIP_SPLIT_FOL": True,
            "SEQ_INFO": {"S": 8},
            "PRINT_CONFIG": False,
        }
    )
    metrics = [trackeval.metrics.CLEAR({"PRINT_CONFIG": False}), trackeval.metrics.Identity({"PRINT_CONFIG": False})]
    results, _ = trackeval.Evaluator({**quiet, **nothing}).evaluate([dataset], metrics)
    fields = results["MotChallenge2DBox"]["ours"]["S"]["pedestrian"]
    return 100 * fields["CLEAR"]["MOTA"], 100 * fields["Identity"]["IDF1"], fields["CLEAR"]["CLR_FP"]


def ours(folder: Path, labels: str, rows: str) -> Evaluation:
    (folder / "labels.txt").write_text(labels, encoding="utf-8")
    (folder / "rows.txt").write_text(rows, encoding="utf-8")
    return evaluate(folder / "labels.txt", folder / "rows.txt", length=8)


def each(change: Callable[[str], str]) -> list[str]:
    return [change(row) for row in ROWS]


def cut(row: str, columns: int) -> str:
    return ",".join(row.split(",")[:columns])


def with_column(column: int, value: str, every: int = 1) -> list[str]:
    """The rows with another value in a column (from 1) of each ``every``-th row."""
    changed = []
    for number, row in enumerate(ROWS):
        cells = row.split(",")
        if number % every == 0:
            cells[column - 1] = value
        changed.append(",".join(cells))
    return changed


IRREGULAR: dict[str, tuple[list[str], str]] = {
    "spaces": (each(lambda row: row.replace(",", " ")), "separated by spaces, not by commas"),
    "several spaces": (each(lambda row: "  " + row.replace(",", "   ") + " "), "separated by spaces"),
    "tabs": (each(lambda row: row.replace(",", "\t")), "separated by tabs"),
    "semicolons and spaces": (each(lambda row: row.replace(",", "; ")), "separated by semicolons"),
    "bars": (each(lambda row: row.replace(",", "|")), "separated by bars"),
    "colons": (each(lambda row: row.replace(",", ":")), "separated by colons"),
    "seven columns, tabs": (each(lambda row: cut(row, 7).replace(",", "\t")), "separated by tabs"),
    "comma behind": (each(lambda row: row + ","), "lines end with a separator"),
    "comma and space behind": (each(lambda row: row + ", "), "lines end with a separator"),
    "semicolon behind": (each(lambda row: row.replace(",", ";") + ";"), "lines end with a separator"),
    "eleven columns": (each(lambda row: row + ",0"), "up to 11 columns"),
    "fourteen columns, spaces": (each(lambda row: (row + ",0,1,2,3").replace(",", " ")), "up to 14 columns"),
    "columns by frame": ([row if row[0] != "8" else cut(row, 7) for row in ROWS], "lines have 7 to 10 columns"),
    "quotes": (each(lambda row: ",".join(f'"{cell}"' for cell in row.split(","))), ""),
    "no width": (with_column(5, "0", every=5), "width is 0, a box must have a positive size: it can match nobody; 5"),
    "negative height": (with_column(6, "-100", every=7), "height is -100"),
    "endless width": (with_column(5, "inf", every=9), "width is inf, not a finite number: it can match nobody; 3"),
    "turned inside out": (
        [row.replace(",40,100,", ",-40,-100,") if row.startswith("8") else row for row in ROWS],
        "width is -40",
    ),
    "unknown score": (with_column(7, "nan"), "score or mark is nan"),
    "unknown world": ([row.replace("-1,-1,-1", "nan,nan,nan") for row in ROWS], "column 8 is nan"),
    "endless score": (with_column(7, "inf", every=3), "score or mark is inf"),
    "halves of frames": (
        each(lambda row: row.replace(",", ".5,", 1)),
        "frame is 1.5, not a whole number",
    ),
    "halves of ids": (with_column(2, "9.5", every=len(ROWS)), "id is 9.5, not a whole number"),
    "a negative id": (with_column(2, "-3", every=len(ROWS)), "id is -3, a track's id must not be negative: TrackEval"),
    "exponents": (each(lambda row: row.replace(",40,100,", ",4e1,1.0E+02,")), ""),
    "blanks around": (each(lambda row: row.replace(",", " , ")), ""),
}


@pytest.mark.parametrize("name", IRREGULAR)
def test_an_irregular_result_scores_as_by_trackeval(tmp_path: Path, name: str) -> None:
    rows, warning = IRREGULAR[name]
    labels = as_text(LABELS)
    evaluation = ours(tmp_path, labels, as_text(rows))
    score = evaluation.combined
    assert (score["MOTA"], score["IDF1"], score["FP"]) == official(tmp_path, labels, as_text(rows))
    if warning:
        assert sum(warning in one for one in evaluation.warnings) == 1, evaluation.warnings
    else:
        assert evaluation.warnings == ()


LABEL_CASES: dict[str, list[str]] = {
    "spaces": [row.replace(",", " ") for row in LABELS],
    "eight columns and comma": [",".join(row.split(",")[:8]) + "," for row in LABELS],
    "ten columns with classes": [
        row.replace(",1,1,1", ",1,8,1,-1" if row.split(",")[1] == "2" else ",1,1,1,-1") for row in LABELS
    ],
    "twelve columns": [row + ",0,0,0" for row in LABELS],
    "a label without area": [row.replace(",40,100,", ",0,100,") if row.startswith("3,1") else row for row in LABELS],
    "marks below zero": [row.replace(",1,1,1", ",-1,1,1") for row in LABELS],
    "marks of 2": [row.replace(",1,1,1", ",2,1,1") for row in LABELS],
    "unknown visibility": [row.replace(",1,1,1", ",1,1,nan") for row in LABELS],
}


@pytest.mark.parametrize("name", LABEL_CASES)
def test_irregular_labels_score_as_by_trackeval(tmp_path: Path, name: str) -> None:
    labels, rows = as_text(LABEL_CASES[name]), as_text(ROWS)
    score = ours(tmp_path, labels, rows).combined
    assert (score["MOTA"], score["IDF1"], score["FP"]) == official(tmp_path, labels, rows)


@pytest.mark.parametrize("mark", ["0.61", "0.5", "0.001", "-0.2", "1e-3"])
def test_a_mark_that_is_a_fraction_counts(tmp_path: Path, mark: str) -> None:
    labels = as_text([row.replace(",1,1,1", f",{mark},-1,-1,-1") for row in LABELS])
    evaluation = ours(tmp_path, labels, as_text(ROWS))
    whole = ours(tmp_path, as_text(LABELS), as_text(ROWS))
    assert evaluation.combined.values == whole.combined.values
    assert f"24 labels have marks such as {float(mark):g}; they count" in evaluation.warnings[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_any_file(tmp_path: Path, encoding: str) -> None:
    sequence = tmp_path / "gt" / "S"
    (sequence / "gt").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (sequence / "gt" / "gt.txt").write_text(as_text(LABELS), encoding)
    (sequence / "seqinfo.ini").write_text("[Sequence]\r\nseqLength=8\r\n", encoding)
    (tmp_path / "out" / "S.txt").write_text(as_text(ROWS), encoding)
    (tmp_path / "map.txt").write_text("name\nS\n", encoding)
    evaluation = evaluate(tmp_path / "gt", tmp_path / "out", seqmap=tmp_path / "map.txt")
    assert evaluation.combined.values == ours(tmp_path, as_text(LABELS), as_text(ROWS)).combined.values
    assert evaluation.warnings == ()


@pytest.mark.parametrize(
    ("seqinfo", "frames"),
    [
        ("[Sequence]\nseqLength=8\n", 8),
        ("[Sequence]\nname=S\nSEQLENGTH = 12\n", 12),
        ("[Sequence]\nseqLength: 8\nimWidth=wide\nframeRate=\n", 8),
    ],
    ids=["the length only", "any case, longer than the labels", "other keys that mean nothing"],
)
def test_scoring_needs_only_the_length(tmp_path: Path, seqinfo: str, frames: int) -> None:
    sequence = tmp_path / "gt" / "S"
    (sequence / "gt").mkdir(parents=True)
    (sequence / "gt" / "gt.txt").write_text(as_text(LABELS))
    (sequence / "seqinfo.ini").write_text(seqinfo)
    (tmp_path / "S.txt").write_text(as_text(ROWS))
    assert evaluate(tmp_path / "gt", tmp_path / "S.txt").combined.frames == frames


def test_a_seqinfo_without_a_length_is_refused(tmp_path: Path) -> None:
    sequence = tmp_path / "gt" / "S"
    (sequence / "gt").mkdir(parents=True)
    (sequence / "gt" / "gt.txt").write_text(as_text(LABELS))
    (sequence / "seqinfo.ini").write_text("[Sequence]\nname=S\n")
    (tmp_path / "S.txt").write_text(as_text(ROWS))
    with pytest.raises(MotError, match=r"seqinfo\.ini: key seqLength is missing"):
        evaluate(tmp_path / "gt", tmp_path / "S.txt")


@pytest.mark.parametrize("columns", ["0,1,1", "1,8,1", "1,7,1", "1,12,1", "1,3,1", "0,-1,-1,-1"])
def test_nothing_to_score_is_an_error(tmp_path: Path, columns: str) -> None:
    labels = as_text([row.replace(",1,1,1", f",{columns}") for row in LABELS])
    with pytest.raises(EvaluationError, match=r"labels\.txt: no label to score in frames 1 to 8: all 24 have mark 0"):
        ours(tmp_path, labels, as_text(ROWS))


def test_nothing_to_score_in_the_range_though_elsewhere(tmp_path: Path) -> None:
    labels = [row.replace(",1,1,1", ",0,1,1") if row[0] in "567" else row for row in LABELS]
    (tmp_path / "labels.txt").write_text(as_text(labels))
    (tmp_path / "rows.txt").write_text(as_text(ROWS))
    with pytest.raises(EvaluationError, match="no label to score in frames 5 to 7: all 9 have"):
        evaluate(tmp_path / "labels.txt", tmp_path / "rows.txt", start=5, end=7)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (["1;1;102;51;40;100"], "6 columns, expected 7 to 10"),
        ([*ROWS, "9,1,100"], "3 columns, expected 7 to 10"),
        (["1 1 102 51 40 100 high"], "something that is not a number"),
        (["1,1,102,51,nan,100,1"], "width is nan, not a finite number"),
        (["1,-1,102,51,40,100,1"], "id is -1"),
        (["1.2,1,102,51,40,100,1", "1.7,1,102,51,40,100,1"], "id 1 is already in frame 1"),
        (["0,1,102,51,40,100,1"], "frames start at 1"),
    ],
)
def test_what_trackeval_cannot_score_is_refused(tmp_path: Path, rows: list[str], complaint: str) -> None:
    with pytest.raises(MotError, match=complaint):
        ours(tmp_path, as_text(LABELS), as_text(rows))


def test_labels_that_lose_their_class_in_a_cut_line_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MotError, match="7 columns where line 1 has 9; is the file cut"):
        ours(tmp_path, as_text([*LABELS[:-1], LABELS[-1][:-4]]), as_text(ROWS))
