"""From paths to an evaluation: the whole of ``mot eval``, for Python.

from client.evaluation.evaluate import evaluate

evaluation = evaluate("gt.txt", "out/street.txt")
print(evaluation.combined["HOTA"], evaluation.combined["IDF1"])
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from client.evaluation.benchmark import find_pairs, take_half
from client.evaluation.measures import Evaluation
from client.evaluation.pair import EvaluationError, Numbering, SequencePair
from client.evaluation.scoring import score_pairs
from mot.splits import Benchmark, Convention

Half = Literal["train-half", "val-half"]


def evaluate(
    ground_truth: str | Path,
    result: str | Path,
    benchmark: Benchmark = "MOT17",
    *,
    name: str = "gt.txt",
    seqmap: Path | None = None,
    split: Half | None = None,
    half: Convention = "bytetrack",
    numbering: Numbering = "auto",
    start: int = 1,
    end: int | None = None,
    length: int | None = None,
    hz: float | None = None,
    processes: int = 1,
) -> Evaluation:
    """Score a result file against a ``gt.txt``, or a folder of results against a folder of sequences.

    Args:
        ground_truth, result, name, seqmap: see :func:`client.evaluation.benchmark.find_pairs`.
        benchmark: MOT15 scores every label; the others remove distractors first.
        split, half, numbering: score one half of every sequence, see :func:`client.evaluation.benchmark.take_half`.
        start, end: first and last frame to score, counted from 1; not together with ``split``.
        length, hz: frames of the sequence and frames per second of the tracker, where a single one is scored.
        processes: sequences scored at a time, where they are large.

    Raises:
        EvaluationError: the files do not belong together, or there is nothing to score; the message says what to do.
        SequenceError: a file is missing or malformed.
    """
    pairs = find_pairs(Path(ground_truth), Path(result), ground_truth_name=name, seqmap=seqmap)
    if len(pairs) > 1 and (length or hz):
        raise EvaluationError(
            f"{ground_truth} holds {len(pairs)} sequences; a length and frames per second are those of a single one"
        )
    if split is not None and (start > 1 or end is not None):
        raise EvaluationError(f"{split} has its own first and last frame; leave out start and end")

    def chosen(pair: SequencePair) -> SequencePair:
        pair = replace(pair, length=pair.length if length is None else length, hz=hz)
        return replace(pair, first=start, last=end) if split is None else take_half(pair, split, half, numbering)

    return score_pairs([chosen(pair) for pair in pairs], benchmark, processes=processes)
