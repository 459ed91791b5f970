"""client.evaluate against TrackEval's own Evaluator on its own folder layout, and on awkward files."""

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

from client.evaluate import EvaluationError, Protocol, SequencePair, evaluate, find_pairs
from client.measures import MEASURES, Score
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

FRAMES = 40


def synthetic(seed: int, people: int = 8, frames: int = FRAMES) -> tuple[MotRows, MotRows]:
    """Walking people, some of them distractors or unmarked, and a tracker that misses, invents and swaps."""
    rng = np.random.default_rng(seed)
    frame, person = (grid.ravel() for grid in np.meshgrid(np.arange(1, frames + 1), np.arange(people), indexing="ij"))
    start, speed = rng.uniform(0, 900, (people, 2)), rng.uniform(-4, 4, (people, 2))
    corner = start[person] + speed[person] * frame[:, None]
    kind = rng.choice([1, 1, 1, 2, 7, 8, 12, 3, 6], people)
    kind[0] = 1
    truth = MotRows(
        frames=frame,
        ids=3 * person + 1,
        boxes=np.concatenate([corner, np.tile([40.0, 100.0], (len(frame), 1))], axis=1),
        scores=((kind == 1)[person] & (rng.random(len(frame)) > 0.05)).astype(float),
        classes=kind[person].astype(np.int64),
        visibilities=rng.random(len(frame)).round(3),
    )
    seen = truth[rng.random(len(frame)) > 0.2]
    boxes = seen.boxes + rng.normal(0, 4, seen.boxes.shape)
    swapped = seen.ids + 100 * (seen.frames > frames // 2) * (seen.ids % 2)
    ghosts = rng.uniform(0, 900, (frames, 4)).clip(20)
    found = MotRows(
        frames=np.concatenate([seen.frames, np.arange(1, frames + 1)]),
        ids=np.concatenate([swapped, np.full(frames, 999)]),
        boxes=np.concatenate([boxes, ghosts]),
        scores=np.ones(len(seen) + frames),
        classes=np.ones(len(seen) + frames, np.int64),
        visibilities=np.ones(len(seen) + frames),
    )
    return truth, found


def save(folder: Path, name: str, truth: MotRows, found: MotRows) -> SequencePair:
    pair = SequencePair(name=name, ground_truth=folder / name / "gt" / "gt.txt", result=folder / "out" / f"{name}.txt")
    write_ground_truth(pair.ground_truth, truth)
    write_results(pair.result, found)
    return pair


def official(folder: Path, sequences: Mapping[str, tuple[MotRows, MotRows, int]], protocol: str) -> dict[str, Any]:
    """TrackEval's Evaluator on a benchmark laid out as its documentation asks for."""
    split = f"{protocol}-train"
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
            "BENCHMARK": protocol,
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


@pytest.mark.parametrize("protocol", ["MOT15", "MOT16", "MOT17", "MOT20"])
def test_two_sequences_score_as_by_the_official_evaluator(tmp_path: Path, protocol: Protocol) -> None:
    sequences = {"A": (*synthetic(1), FRAMES), "B": (*synthetic(2, people=12, frames=25), 25)}
    pairs = [save(tmp_path / "ours", name, truth, found) for name, (truth, found, _) in sequences.items()]
    ours = evaluate(pairs, protocol)
    theirs = official(tmp_path / "theirs", sequences, protocol)
    for score in ours.sequences:
        assert_same(score, theirs[score.name])
    assert_same(ours.combined, theirs["COMBINED_SEQ"])
    assert ours.combined.frames == FRAMES + 25


def test_protocols_differ_where_distractors_are(tmp_path: Path) -> None:
    pair = save(tmp_path, "A", *synthetic(1))
    false_positives = {p: evaluate([pair], p).combined["FP"] for p in ("MOT15", "MOT17", "MOT20")}
    assert false_positives["MOT20"] <= false_positives["MOT17"] < false_positives["MOT15"]


@pytest.mark.data
def test_real_sequence_with_distractors_scores_as_by_the_official_evaluator(tmp_path: Path, mot_data: Path) -> None:
    folder = mot_data / "association" / "MOT17-09-FRCNN"
    truth = read_ground_truth(folder / "gt" / "gt_val_half.txt")
    detections = read_detections(folder / "det" / "det.txt")
    # Public frame = label frame + N // 2 + 1 with N = 525; made-up identities: the nth box of a frame.
    detections = detections.between(264, 525)
    detections = detections[np.argsort(detections.frames, kind="stable")]
    starts = np.searchsorted(detections.frames, detections.frames)
    found = replace(detections, frames=detections.frames - 263, ids=np.arange(len(detections)) - starts + 1)
    ours = evaluate([save(tmp_path / "ours", "MOT17-09", truth, found)], "MOT17")
    assert_same(
        ours.combined, official(tmp_path / "theirs", {"MOT17-09": (truth, found, 262)}, "MOT17")["COMBINED_SEQ"]
    )
    assert ours.combined["FN"] < 2879  # some of the 2879 pedestrians are found


def test_a_frame_range_scores_as_the_cut_files_do(tmp_path: Path) -> None:
    truth, found = synthetic(3)
    whole = replace(save(tmp_path, "whole", truth, found), name="A", first=11, last=30)
    cut = [replace(rows.between(11, 30), frames=rows.between(11, 30).frames - 10) for rows in (truth, found)]
    ranged, alone = evaluate([whole]), evaluate([replace(save(tmp_path, "cut", *cut), name="A")])
    assert ranged.combined.values == alone.combined.values
    assert ranged.combined.frames == 20
    assert ranged.warnings == ()


def test_labels_of_a_part_are_scored_over_their_range(tmp_path: Path) -> None:
    truth, found = synthetic(3)
    pair = save(tmp_path, "A", truth.between(21, 40), found)
    assert evaluate([replace(pair, first=21, last=40)]).warnings == ()
    unranged = evaluate([pair])
    assert "labels cover only frames 21 to 40" in unranged.warnings[0]
    assert unranged.combined["FP"] > evaluate([replace(pair, first=21)]).combined["FP"]


def test_length_counts_frames_without_rows(tmp_path: Path) -> None:
    pair = save(tmp_path, "A", *synthetic(3))
    short, long = evaluate([pair]).combined, evaluate([replace(pair, length=2 * FRAMES)]).combined
    assert (short.frames, long.frames) == (FRAMES, 2 * FRAMES)
    assert long["FAF"] == short["FAF"] / 2
    assert evaluate([replace(pair, length=30, last=99)]).combined.frames == 30


def test_a_perfect_result_scores_hundred(tmp_path: Path) -> None:
    truth, _ = synthetic(4)
    score = evaluate([save(tmp_path, "A", truth, truth[truth.scores > 0])]).combined
    for measure in ("MOTA", "IDF1", "HOTA", "Rcll", "Prcn", "AssA", "DetA", "LocA"):
        assert score[measure] == pytest.approx(100)
    assert (score["FP"], score["FN"], score["ID Sw."], score["ML"], score["FAF"]) == (0, 0, 0, 0, 0)


def test_an_empty_result_misses_everybody_and_warns(tmp_path: Path) -> None:
    truth, found = synthetic(4)
    empty, full = save(tmp_path, "A", truth, found[:0]), save(tmp_path, "B", truth, found)
    pedestrians = int(((truth.scores > 0) & (truth.classes == 1)).sum())
    evaluation = evaluate([empty, full])
    alone = evaluation.sequences[0]
    assert (alone["MOTA"], alone["IDF1"], alone["HOTA"], alone["FN"], alone["FP"]) == (0, 0, 0, pedestrians, 0)
    assert len(evaluation.warnings) == 1 and "A.txt has no rows" in evaluation.warnings[0]
    both = evaluation.combined
    assert both["FAF"] == both["FP"] / (2 * FRAMES)


def test_large_ids_cost_no_memory(tmp_path: Path) -> None:
    truth, found = synthetic(5)
    pair = save(tmp_path, "A", truth, found)
    far = save(tmp_path, "B", replace(truth, ids=truth.ids + 2**30), replace(found, ids=found.ids + 2**30))
    near_score, far_score = evaluate([pair, far]).sequences
    assert near_score.values == far_score.values


def test_hz_is_over_all_frames_or_unknown(tmp_path: Path) -> None:
    a = replace(save(tmp_path, "A", *synthetic(1)), hz=10.0)
    b = replace(save(tmp_path, "B", *synthetic(2)), hz=40.0)
    assert evaluate([a, b]).combined["Hz"] == pytest.approx(16)  # 80 frames in 4 + 1 seconds
    unknown = evaluate([a, replace(b, hz=None)]).combined
    assert unknown.values["Hz"] is None
    with pytest.raises(KeyError, match="Hz"):
        unknown["Hz"]


def test_reports_hold_all_twenty_measures(tmp_path: Path) -> None:
    evaluation = evaluate([save(tmp_path, name, *synthetic(seed)) for seed, name in enumerate("AB")])
    assert len(MEASURES) == 20
    document = json.loads(evaluation.to_json())
    assert document["protocol"] == "MOT17" and list(document["sequences"]) == ["A", "B"]
    assert document["combined"] == {"Frames": 2 * FRAMES, **evaluation.combined.values}
    rows = list(csv.DictReader(io.StringIO(evaluation.to_csv())))
    assert [row["Sequence"] for row in rows] == ["A", "B", "COMBINED"]
    assert float(rows[2]["MOTA"]) == evaluation.combined["MOTA"] and rows[2]["Hz"] == ""
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(*evaluation.to_tables())
    text = console.export_text()
    for measure in MEASURES:
        assert measure.name in text
    assert "COMBINED" in text and f"{evaluation.combined['MOTA']:.1f}" in text


def test_tables_of_many_sequences_fit_80_columns(tmp_path: Path) -> None:
    names = [f"MOT17-{number:02}-FRCNN" for number in range(1, 8)]
    evaluation = evaluate([save(tmp_path, name, *synthetic(seed)) for seed, name in enumerate(names)])
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(*evaluation.to_tables())
    text = console.export_text()
    for name in (*names, "COMBINED"):
        assert text.count(name) == 1
    for measure in MEASURES:
        assert text.count(f" {measure.name} ") == 2


def test_find_pairs_walks_a_benchmark(tmp_path: Path) -> None:
    for seed, name in enumerate(("A", "B")):
        save(tmp_path, name, *synthetic(seed))
    write_seqinfo(tmp_path / "A" / "seqinfo.ini", SeqInfo(name="A", frame_rate=30, length=77, width=9, height=9))
    pairs = find_pairs(tmp_path, tmp_path / "out")
    assert [(pair.name, pair.length) for pair in pairs] == [("A", 77), ("B", None)]
    gt, result = tmp_path / "B" / "gt" / "gt.txt", tmp_path / "out" / "B.txt"
    assert find_pairs(gt, result) == find_pairs(tmp_path / "B", tmp_path / "out") == [pairs[1]]


def test_find_pairs_takes_other_label_files(tmp_path: Path) -> None:
    pair = save(tmp_path, "A", *synthetic(1))
    half = pair.ground_truth.rename(pair.ground_truth.with_name("gt_val_half.txt"))
    assert find_pairs(tmp_path, tmp_path / "out", ground_truth_name=half.name)[0].ground_truth == half
    with pytest.raises(EvaluationError, match=r"holds no SEQUENCE/gt/gt\.txt"):
        find_pairs(tmp_path, tmp_path / "out")


def test_find_pairs_refuses_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="nowhere: no such file or folder"):
        find_pairs(tmp_path / "nowhere", tmp_path)
    for seed, name in enumerate(("A", "B")):
        pair = save(tmp_path, name, *synthetic(seed))
    with pytest.raises(EvaluationError, match="is no folder, but"):
        find_pairs(tmp_path, pair.result)
    pair.result.unlink()
    with pytest.raises(EvaluationError, match=r"B\.txt: no such file; expected the result for .*B/gt/gt\.txt"):
        find_pairs(tmp_path / "B", tmp_path / "out")


def test_bad_input_is_refused_with_its_file(tmp_path: Path) -> None:
    truth, found = synthetic(1)
    pair = save(tmp_path, "A", truth, found)
    with pytest.raises(EvaluationError, match=r"A\.txt: frame 40 is beyond the 30 frames of A"):
        evaluate([replace(save(tmp_path, "A", truth.between(1, 30), found), length=30)])
    with pytest.raises(EvaluationError, match=r"gt\.txt: no labels in frames 50 to 60"):
        evaluate([replace(pair, first=50, last=60)])
    with pytest.raises(EvaluationError, match="frames 5 to 4 are no range"):
        replace(pair, first=5, last=4)
    with pytest.raises(EvaluationError, match="frame 41 is beyond the sequence's 40 frames"):
        replace(pair, length=40, first=41)
    with pytest.raises(EvaluationError, match="different names"):
        evaluate([pair, pair])
    with pytest.raises(EvaluationError, match="'MOT18' is unknown"):
        evaluate([pair], "MOT18")  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match="class 14 is none of MOT17's"):
        evaluate([save(tmp_path, "A", replace(truth, classes=truth.classes + 13), found)])
    with pytest.raises(SequenceError, match=r"missing\.txt: cannot be read"):
        evaluate([replace(pair, result=tmp_path / "missing.txt")])
    pair.result.write_text("1,1,2,3,4,5,1\n1,1,2,3,four,5,1\n")
    with pytest.raises(SequenceError, match=r"A\.txt:2: "):
        evaluate([pair])
