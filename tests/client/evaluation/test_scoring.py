"""client.evaluation.scoring against TrackEval's own Evaluator on its own folder layout, and on awkward files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trackeval
from rich.console import Console

from client.commands.evaluation_tables import score_tables
from client.evaluation import scoring
from client.evaluation.measures import ALPHAS, CURVES, MEASURES, Score
from client.evaluation.rows import ScoredRows, read_rows
from client.evaluation.scoring import Benchmark, EvaluationError, score_pairs, score_rows
from mot.sequence import (
    MotRows,
    SeqInfo,
    SequenceError,
    read_detections,
    read_ground_truth,
    write_ground_truth,
    write_results,
    write_seqinfo,
)
from mot.splits import half
from tests.client.evaluation.scenes import FRAMES, save, synthetic


def official(folder: Path, sequences: Mapping[str, tuple[MotRows, MotRows, int]], benchmark: str) -> dict[str, Any]:
    """TrackEval's Evaluator on a benchmark laid out as its documentation asks for."""
    split = f"{benchmark}-train"
    for name, (truth, found, length) in sequences.items():
        sequence = folder / "gt" / split / name
        write_ground_truth(sequence / "gt" / "gt.txt", truth)
        info = SeqInfo(name=name, frame_rate=30, length=length, width=1000, height=1000)
        write_seqinfo(sequence / "seqinfo.ini", info)
        write_results(folder / "trackers" / split / "ours" / "data" / f"{name}.txt", found)
    seqmap = folder / "gt" / "seqmaps" / f"{split}.txt"
    seqmap.parent.mkdir(parents=True, exist_ok=True)
    seqmap.write_text("name\n" + "\n".join(sequences) + "\n")
    quiet = {"PRINT_RESULTS": False, "PRINT_CONFIG": False, "TIME_PROGRESS": False, "LOG_ON_ERROR": None}
    writes_nothing = {"OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False, "PLOT_CURVES": False}
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "gt"),
            "TRACKERS_FOLDER": str(folder / "trackers"),
            "BENCHMARK": benchmark,
            "PRINT_CONFIG": False,
        }
    )
    metrics = [
        trackeval.metrics.HOTA(),
        trackeval.metrics.CLEAR({"PRINT_CONFIG": False}),
        trackeval.metrics.Identity({"PRINT_CONFIG": False}),
    ]
    results, _ = trackeval.Evaluator({**quiet, **writes_nothing}).evaluate([dataset], metrics)
    return {name: result["pedestrian"] for name, result in results["MotChallenge2DBox"]["ours"].items()}


def assert_same(score: Score, fields: Mapping[str, Any]) -> None:
    """Every measure but Hz, exactly."""
    clear, hota = fields["CLEAR"], fields["HOTA"]
    counts = {"MT": "MT", "ML": "ML", "FP": "CLR_FP", "FN": "CLR_FN", "ID Sw.": "IDSW", "Frag": "Frag"}
    for measure, field in counts.items():
        assert score[measure] == clear[field], measure
    for measure, field in {"MOTA": "MOTA", "Rcll": "CLR_Re", "Prcn": "CLR_Pr"}.items():
        assert score[measure] == 100 * clear[field], measure
    assert score["FAF"] == clear["FP_per_frame"]
    assert score["IDF1"] == 100 * fields["Identity"]["IDF1"]
    for measure in ("HOTA", "AssA", "DetA", "AssRe", "AssPr", "DetRe", "DetPr", "LocA"):
        assert score[measure] == 100 * hota[measure].mean(), measure


@pytest.mark.parametrize("benchmark", ["MOT15", "MOT16", "MOT17", "MOT20"])
def test_two_sequences_score_as_by_the_official_evaluator(tmp_path: Path, benchmark: Benchmark) -> None:
    sequences = {"A": (*synthetic(1), FRAMES), "B": (*synthetic(2, people=12, frames=25), 25)}
    pairs = [save(tmp_path / "ours", name, truth, found) for name, (truth, found, _) in sequences.items()]
    ours = score_pairs(pairs, benchmark)
    theirs = official(tmp_path / "theirs", sequences, benchmark)
    for score in ours.sequences:
        assert_same(score, theirs[score.name])
    assert_same(ours.combined, theirs["COMBINED_SEQ"])
    assert ours.combined.frames == FRAMES + 25


def test_combined_is_of_all_counts_and_not_the_mean(tmp_path: Path) -> None:
    small, large = synthetic(6, people=3, frames=10), synthetic(7, people=14)
    sequences = {"A": (*small, 10), "B": (*large, FRAMES), "C": (large[0], large[1][:0], FRAMES)}
    pairs = [save(tmp_path / "ours", name, truth, found) for name, (truth, found, _) in sequences.items()]
    ours = score_pairs(pairs, "MOT17")
    theirs = official(tmp_path / "theirs", sequences, "MOT17")["COMBINED_SEQ"]
    # TrackEval does not count the frames of C, which has no result, when it divides.
    theirs["CLEAR"]["FP_per_frame"] *= (10 + FRAMES) / (10 + 2 * FRAMES)
    assert ours.combined["FAF"] == pytest.approx(theirs["CLEAR"]["FP_per_frame"])
    theirs["CLEAR"]["FP_per_frame"] = ours.combined["FAF"]
    assert_same(ours.combined, theirs)
    for measure in ("HOTA", "MOTA", "IDF1"):
        assert abs(ours.combined[measure] - np.mean([score[measure] for score in ours.sequences])) > 0.2, measure
    for measure in ("FP", "FN", "ID Sw.", "MT", "ML", "Frag"):
        assert ours.combined[measure] == sum(score[measure] for score in ours.sequences), measure


def test_curves_are_hota_over_its_thresholds(tmp_path: Path) -> None:
    truth, found = synthetic(1)
    ours = score_pairs([save(tmp_path / "ours", "A", truth, found)])
    theirs = official(tmp_path / "theirs", {"A": (truth, found, FRAMES)}, "MOT17")["A"]["HOTA"]
    assert pytest.approx(trackeval.metrics.HOTA().array_labels) == ALPHAS
    for name in CURVES:
        assert ours.combined.curves[name] == tuple(100 * theirs[name])
        assert ours.sequences[0].curves[name] == ours.combined.curves[name]


def test_several_processes_score_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [save(tmp_path, name, *synthetic(seed, frames=10 + seed)) for seed, name in enumerate("ABC")]
    alone = score_pairs(pairs)
    monkeypatch.setattr(scoring, "_LARGE", 0)
    together = score_pairs(pairs, processes=2)
    assert together.to_json() == alone.to_json()
    assert list(together.mistakes) == ["A", "B", "C"]
    pairs[1].result.write_text("1,1,2,3,four,5,1\n")
    with pytest.raises(SequenceError, match=r"B\.txt:1: "):
        score_pairs(pairs, processes=2)


def test_protocols_differ_where_distractors_are(tmp_path: Path) -> None:
    pair = save(tmp_path, "A", *synthetic(1))
    false_positives = {p: score_pairs([pair], p).combined["FP"] for p in ("MOT15", "MOT17", "MOT20")}
    assert false_positives["MOT20"] <= false_positives["MOT17"] < false_positives["MOT15"]


@pytest.mark.data
def test_real_sequences_with_distractors_score_as_by_the_official_evaluator(tmp_path: Path, mot_data: Path) -> None:
    sequences = {}
    for name, length in (("MOT17-09-FRCNN", 525), ("MOT17-10-FRCNN", 654)):
        folder = mot_data / "association" / name
        truth = read_ground_truth(folder / "gt" / "gt_val_half.txt")
        # Labels count from 1 in the half; made-up identities: the nth box of a frame.
        first, last = half("val-half", length)
        detections = read_detections(folder / "det" / "det.txt").between(first, last)
        detections = detections[np.argsort(detections.frames, kind="stable")]
        starts = np.searchsorted(detections.frames, detections.frames)
        found = replace(detections, frames=detections.frames - first + 1, ids=np.arange(len(detections)) - starts + 1)
        sequences[name] = (truth, found, last - first + 1)
    pairs = [
        replace(save(tmp_path / "ours", name, truth, found), length=length)
        for name, (truth, found, length) in sequences.items()
    ]
    ours = score_pairs(pairs, "MOT17")
    theirs = official(tmp_path / "theirs", sequences, "MOT17")
    for score in ours.sequences:
        assert_same(score, theirs[score.name])
    assert_same(ours.combined, theirs["COMBINED_SEQ"])
    assert ours.sequences[0]["FN"] < 2879  # some of the 2879 pedestrians of MOT17-09 are found


def test_a_frame_range_scores_as_the_cut_files_do(tmp_path: Path) -> None:
    truth, found = synthetic(3)
    whole = replace(save(tmp_path, "whole", truth, found), name="A", first=11, last=30)
    cut = [replace(rows.between(11, 30), frames=rows.between(11, 30).frames - 10) for rows in (truth, found)]
    ranged, alone = score_pairs([whole]), score_pairs([replace(save(tmp_path, "cut", *cut), name="A")])
    assert ranged.combined.values == alone.combined.values
    assert ranged.combined.frames == 20
    assert ranged.warnings == ()


def test_labels_of_a_part_are_scored_over_their_range(tmp_path: Path) -> None:
    truth, found = synthetic(3)
    pair = save(tmp_path, "A", truth.between(21, 40), found)
    assert score_pairs([replace(pair, first=21, last=40)]).warnings == ()
    unranged = score_pairs([pair])
    assert "labels cover only frames 21 to 40" in unranged.warnings[0]
    assert unranged.combined["FP"] > score_pairs([replace(pair, first=21)]).combined["FP"]


def test_length_counts_frames_without_rows(tmp_path: Path) -> None:
    pair = save(tmp_path, "A", *synthetic(3))
    short, long = score_pairs([pair]).combined, score_pairs([replace(pair, length=2 * FRAMES)]).combined
    assert (short.frames, long.frames) == (FRAMES, 2 * FRAMES)
    assert long["FAF"] == short["FAF"] / 2
    assert score_pairs([replace(pair, length=30, last=99)]).combined.frames == 30


def test_a_perfect_result_scores_hundred(tmp_path: Path) -> None:
    truth, _ = synthetic(4)
    score = score_pairs([save(tmp_path, "A", truth, truth[truth.scores > 0])]).combined
    for measure in ("MOTA", "IDF1", "HOTA", "Rcll", "Prcn", "AssA", "DetA", "LocA"):
        assert score[measure] == pytest.approx(100)
    assert (score["FP"], score["FN"], score["ID Sw."], score["ML"], score["FAF"]) == (0, 0, 0, 0, 0)


def test_an_empty_result_misses_everybody_and_warns(tmp_path: Path) -> None:
    truth, found = synthetic(4)
    empty, full = save(tmp_path, "A", truth, found[:0]), save(tmp_path, "B", truth, found)
    pedestrians = int(((truth.scores > 0) & (truth.classes == 1)).sum())
    evaluation = score_pairs([empty, full])
    alone = evaluation.sequences[0]
    assert (alone["MOTA"], alone["IDF1"], alone["HOTA"], alone["FN"], alone["FP"]) == (0, 0, 0, pedestrians, 0)
    assert len(evaluation.warnings) == 1 and "A.txt has no rows" in evaluation.warnings[0]
    both = evaluation.combined
    assert both["FAF"] == both["FP"] / (2 * FRAMES)


def test_large_ids_cost_no_memory(tmp_path: Path) -> None:
    truth, found = synthetic(5)
    pair = save(tmp_path, "A", truth, found)
    far = save(tmp_path, "B", replace(truth, ids=truth.ids + 2**30), replace(found, ids=found.ids + 2**30))
    near_score, far_score = score_pairs([pair, far]).sequences
    assert near_score.values == far_score.values


def test_hz_is_over_all_frames_or_unknown(tmp_path: Path) -> None:
    a = replace(save(tmp_path, "A", *synthetic(1)), hz=10.0)
    b = replace(save(tmp_path, "B", *synthetic(2)), hz=40.0)
    assert score_pairs([a, b]).combined["Hz"] == pytest.approx(16)  # 80 frames in 4 + 1 seconds
    unknown = score_pairs([a, replace(b, hz=None)]).combined
    assert unknown.values["Hz"] is None
    with pytest.raises(KeyError, match="Hz"):
        unknown["Hz"]


def test_reports_hold_all_twenty_measures(tmp_path: Path) -> None:
    evaluation = score_pairs([save(tmp_path, name, *synthetic(seed)) for seed, name in enumerate("AB")])
    assert len(MEASURES) == 20
    document = json.loads(evaluation.to_json())
    assert document["benchmark"] == "MOT17" and list(document["sequences"]) == ["A", "B"]
    assert document["combined"] == {"Frames": 2 * FRAMES, **evaluation.combined.values}
    rows = list(csv.DictReader(io.StringIO(evaluation.to_csv())))
    assert [row["Sequence"] for row in rows] == ["A", "B", "COMBINED"]
    assert float(rows[2]["MOTA"]) == evaluation.combined["MOTA"] and rows[2]["Hz"] == ""
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(*score_tables(evaluation))
    text = console.export_text()
    for measure in MEASURES:
        assert measure.name in text
    assert "COMBINED" in text and f"{evaluation.combined['MOTA']:.1f}" in text


def test_tables_of_many_sequences_fit_80_columns(tmp_path: Path) -> None:
    names = [f"MOT17-{number:02}-FRCNN" for number in range(1, 8)]
    evaluation = score_pairs([save(tmp_path, name, *synthetic(seed)) for seed, name in enumerate(names)])
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(*score_tables(evaluation))
    text = console.export_text()
    for name in (*names, "COMBINED"):
        assert text.count(name) == 1
    for measure in MEASURES:
        assert text.count(f" {measure.name} ") == 2


def test_bad_input_is_refused_with_its_file(tmp_path: Path) -> None:
    truth, found = synthetic(1)
    pair = save(tmp_path, "A", truth, found)
    with pytest.raises(EvaluationError, match=r"A\.txt: frame 40 is beyond the 30 frames of A"):
        score_pairs([replace(save(tmp_path, "A", truth.between(1, 30), found), length=30)])
    with pytest.raises(EvaluationError, match=r"gt\.txt: no labels in frames 50 to 60"):
        score_pairs([replace(pair, first=50, last=60)])
    with pytest.raises(EvaluationError, match="frames 5 to 4 are no range"):
        replace(pair, first=5, last=4)
    with pytest.raises(EvaluationError, match="frame 41 is beyond the sequence's 40 frames"):
        replace(pair, length=40, first=41)
    with pytest.raises(EvaluationError, match="different names"):
        score_pairs([pair, pair])
    with pytest.raises(EvaluationError, match="'MOT18' is unknown"):
        score_pairs([pair], "MOT18")  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match="class 14 is none of MOT17's"):
        score_pairs([save(tmp_path, "A", replace(truth, classes=truth.classes + 13), found)])
    with pytest.raises(SequenceError, match=r"missing\.txt: cannot be read"):
        score_pairs([replace(pair, result=tmp_path / "missing.txt")])
    pair.result.write_text("1,1,2,3,4,5,1\n1,1,2,3,four,5,1\n")
    with pytest.raises(SequenceError, match=r"A\.txt:2: "):
        score_pairs([pair])


def test_rows_in_memory_score_as_their_files_do(tmp_path: Path) -> None:
    pairs = [save(tmp_path, name, *synthetic(seed)) for seed, name in enumerate("AB")]
    in_memory = score_rows({pair.name: read_rows(pair) for pair in pairs}, "MOT20")
    assert in_memory.to_json() == score_pairs(pairs, "MOT20").to_json()
    with pytest.raises(EvaluationError, match="got none"):
        score_rows({})
    truth, found = synthetic(1)
    rows = ScoredRows(truth=truth[:0], found=found, first=1, last=FRAMES, renumbered=False, warnings=())
    with pytest.raises(EvaluationError, match=r"^street: no label to score"):
        score_rows({"street": rows})
