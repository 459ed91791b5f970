"""Seconds to score a benchmark: TrackEval's own Evaluator, as it is mostly used, against ``mot eval``'s.

Both read the same text files from a benchmark's folders and give all measures of HOTA, CLEAR and Identity; ours also
lists the mistakes of every frame. The scores must agree exactly. For instance

    python tests/benchmarks/evaluation.py MOT17/train out --split val-half --rounds 3
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import trackeval

from client.evaluation.benchmark import take_half
from client.evaluation.measures import Evaluation
from client.evaluation.rows import read_rows
from client.evaluation.scoring import SequencePair, find_pairs, score_pairs
from mot.sequence import SeqInfo, write_ground_truth, write_results, write_seqinfo

_SPLIT = "MOT17-train"


def lay_out(pairs: list[SequencePair], folder: Path) -> list[SequencePair]:
    """The scored frames, numbered from 1, in the folders that TrackEval asks for."""
    laid = []
    for pair in pairs:
        rows = read_rows(pair)
        sequence = folder / "gt" / _SPLIT / pair.name
        result = folder / "trackers" / _SPLIT / "ours" / "data" / f"{pair.name}.txt"
        rows.truth.frames[:] -= rows.first - 1
        rows.found.frames[:] -= rows.first - 1
        write_ground_truth(sequence / "gt" / "gt.txt", rows.truth)
        write_results(result, rows.found)
        info = SeqInfo(name=pair.name, frame_rate=30, length=rows.count, width=1920, height=1080)
        write_seqinfo(sequence / "seqinfo.ini", info)
        truth = sequence / "gt" / "gt.txt"
        laid.append(SequencePair(name=pair.name, ground_truth=truth, result=result, length=rows.count))
    seqmap = folder / "gt" / "seqmaps" / f"{_SPLIT}.txt"
    seqmap.parent.mkdir()
    seqmap.write_text("name\n" + "".join(f"{pair.name}\n" for pair in pairs))
    return laid


def official(folder: Path) -> dict[str, Any]:
    """TrackEval's result of all sequences together."""
    quiet = {"PRINT_RESULTS": False, "PRINT_CONFIG": False, "TIME_PROGRESS": False, "LOG_ON_ERROR": None}
    writes_nothing = {"OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False, "PLOT_CURVES": False}
    folders = {"GT_FOLDER": str(folder / "gt"), "TRACKERS_FOLDER": str(folder / "trackers"), "PRINT_CONFIG": False}
    with contextlib.redirect_stdout(io.StringIO()):
        metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(), trackeval.metrics.Identity()]
        dataset = trackeval.datasets.MotChallenge2DBox(folders)
        results, _ = trackeval.Evaluator({**quiet, **writes_nothing}).evaluate([dataset], metrics)
    combined: dict[str, Any] = results["MotChallenge2DBox"]["ours"]["COMBINED_SEQ"]["pedestrian"]
    return combined


def check(theirs: dict[str, Any], ours: Evaluation) -> None:
    """Raise where a score differs at all."""
    expected = {
        "HOTA": 100 * theirs["HOTA"]["HOTA"].mean(),
        "MOTA": 100 * theirs["CLEAR"]["MOTA"],
        "IDF1": 100 * theirs["Identity"]["IDF1"],
        "ID Sw.": theirs["CLEAR"]["IDSW"],
    }
    for name, value in expected.items():
        if ours.combined[name] != value:
            raise SystemExit(f"{name} is {ours.combined[name]}, by TrackEval {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ground_truth", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--name", default="gt.txt")
    parser.add_argument("--split", choices=["train-half", "val-half"])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pairs = find_pairs(options.ground_truth, options.result, ground_truth_name=options.name)
    if options.split:
        pairs = [take_half(pair, options.split) for pair in pairs]
    with TemporaryDirectory() as name:
        folder = Path(name)
        pairs = lay_out(pairs, folder)
        cores = os.cpu_count() or 1
        sides: dict[str, Callable[[], Any]] = {
            "TrackEval": lambda: official(folder),
            "ours, 1 process": lambda: score_pairs(pairs),
            f"ours, {cores} processes": lambda: score_pairs(pairs, processes=cores),
        }
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(options.rounds):
            results = []
            for side, run in sides.items():
                begun = time.perf_counter()
                results.append(run())
                seconds[side].append(time.perf_counter() - begun)
            for ours in results[1:]:
                check(results[0], ours)
    frames = sum(score.frames for score in results[1].sequences)
    print(f"{len(pairs)} sequences, {frames} frames; seconds, median (min to max) of {options.rounds} rounds")
    for side, measured in seconds.items():
        print(f"{side:20} {statistics.median(measured):6.2f}  ({min(measured):.2f} to {max(measured):.2f})")


if __name__ == "__main__":
    main()
