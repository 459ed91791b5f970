"""The official MOTChallenge measures of result files, by TrackEval's own code.

TrackEval (Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", 2020) wants a
benchmark's folders and stops at small irregularities. Here each pair of files is read and checked with our reader
and cut to the frames that are scored; distractor removal, measures and their combination are then TrackEval's.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import numpy as np

from client.evaluation.benchmark import find_pairs
from client.evaluation.errors import Errors, find_errors
from client.evaluation.matching import match_frames
from client.evaluation.measures import CURVES, Evaluation, Score
from client.evaluation.mistakes import Mistakes, find_mistakes
from client.evaluation.pair import EvaluationError, SequencePair
from client.evaluation.rows import ScoredRows, read_rows
from client.evaluation.trackeval_data import prepare, scored_people
from mot.splits import Benchmark

# After our modules, which say what to do where TrackEval is missing.
from trackeval.metrics import CLEAR, HOTA, Identity  # isort: skip

__all__ = ["Benchmark", "EvaluationError", "SequencePair", "find_pairs", "score_pairs", "score_rows"]

_LARGE = 2_000_000  # bytes of text; less is scored sooner than another process has started
_Counts = Mapping[str, Mapping[str, Any]]  # metric's name -> field -> value, as TrackEval gives them


@dataclass(frozen=True, kw_only=True)
class _Scored:
    """What one sequence contributes."""

    counts: _Counts
    frames: int
    renumbered: bool
    warnings: tuple[str, ...]
    mistakes: Mistakes
    errors: Errors


def score_pairs(pairs: Sequence[SequencePair], benchmark: Benchmark = "MOT17", *, processes: int = 1) -> Evaluation:
    """Score results against ground truth, each sequence alone and all together.

    MOT15 scores every row whose mark is not 0. MOT16, 17 and 20 first remove results that match a
    distractor (person on vehicle, static person, reflection, ...), then score pedestrians whose mark is not 0.

    Args:
        processes: how many sequences are scored at a time, where the files are large enough to be worth it.

    Raises:
        EvaluationError: nothing to score, a repeated name, rows beyond the sequence's length, an unknown class.
        SequenceError: a file is missing or malformed.
    """
    names = [pair.name for pair in pairs]
    if not names or len(set(names)) < len(names):
        raise EvaluationError(f"expected one or more sequences with different names, got {names}")
    _check(benchmark)
    scored = dict(zip(names, _score_all(pairs, benchmark, processes), strict=True))
    return _evaluation(benchmark, scored, {pair.name: pair.hz for pair in pairs})


def score_rows(rows: Mapping[str, ScoredRows], benchmark: Benchmark = "MOT17") -> Evaluation:
    """Score rows in memory, by sequence: those of a tracker that was just run. As :func:`score_pairs` otherwise.

    Raises:
        EvaluationError: no sequence, no label to score, an unknown class.
    """
    if not rows:
        raise EvaluationError("expected one or more sequences, got none")
    _check(benchmark)
    scored = {name: _score_one(one, benchmark, name) for name, one in rows.items()}
    return _evaluation(benchmark, scored, dict.fromkeys(rows))


def _check(benchmark: str) -> None:
    if benchmark not in get_args(Benchmark):
        raise EvaluationError(f"protocol {benchmark!r} is unknown; choose one of {', '.join(get_args(Benchmark))}")


def _evaluation(benchmark: str, scored: Mapping[str, _Scored], hz: Mapping[str, float | None]) -> Evaluation:
    combined = {
        metric_name: metric.combine_sequences({name: one.counts[metric_name] for name, one in scored.items()})
        for metric_name, metric in _metrics().items()
    }
    frames = {name: one.frames for name, one in scored.items()}
    return Evaluation(
        benchmark=benchmark,
        sequences=tuple(_score(name, one.counts, one.frames, hz[name]) for name, one in scored.items()),
        combined=_score("COMBINED", combined, sum(frames.values()), _combined_hz(hz, frames)),
        warnings=tuple(warning for one in scored.values() for warning in one.warnings),
        renumbered=tuple(name for name, one in scored.items() if one.renumbered),
        mistakes={name: one.mistakes for name, one in scored.items()},
        errors={name: one.errors for name, one in scored.items()},
    )


def _score_all(pairs: Sequence[SequencePair], benchmark: Benchmark, processes: int) -> list[_Scored]:
    """The pairs in their order; the largest are begun first, so that the last to end is a small one."""
    score = partial(_score_pair, benchmark=benchmark)
    sizes = [_size(pair) for pair in pairs]
    if min(processes, len(pairs)) < 2 or sum(sizes) < _LARGE:
        return [score(pair) for pair in pairs]
    order = np.argsort(sizes)[::-1].tolist()
    # Ctrl-C reaches every process of the terminal; only this one has something to say.
    with ProcessPoolExecutor(
        min(processes, len(pairs)), initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        found = dict(zip(order, pool.map(score, [pairs[i] for i in order]), strict=True))
    return [found[i] for i in range(len(pairs))]


def _size(pair: SequencePair) -> int:
    """Bytes of both files; 0 for one that is not there, which its reader will say."""
    return sum(path.stat().st_size for path in (pair.ground_truth, pair.result) if path.is_file())


def _score_pair(pair: SequencePair, benchmark: Benchmark) -> _Scored:
    return _score_one(read_rows(pair), benchmark, str(pair.ground_truth))


def _score_one(rows: ScoredRows, benchmark: Benchmark, labels: str) -> _Scored:
    """``labels``: what the labels are called in messages."""
    data = prepare(rows, benchmark, labels)
    people = scored_people(rows.truth, benchmark)
    frames = list(match_frames(data, len(people), rows.first))
    return _Scored(
        counts={name: metric.eval_sequence(data) for name, metric in _metrics().items()},
        frames=rows.count,
        renumbered=rows.renumbered,
        warnings=rows.warnings,
        mistakes=find_mistakes(frames, people),
        errors=find_errors(frames, rows.truth, people),
    )


def _metrics() -> dict[str, Any]:
    return {"HOTA": HOTA(), "CLEAR": CLEAR({"PRINT_CONFIG": False}), "Identity": Identity({"PRINT_CONFIG": False})}


def _score(name: str, counts: _Counts, frames: int, hz: float | None) -> Score:
    """The twenty measures out of TrackEval's fields; HOTA's family is the mean over its thresholds."""
    hota, clear, identity = counts["HOTA"], counts["CLEAR"], counts["Identity"]
    over_thresholds = ("HOTA", "AssA", "DetA", "AssRe", "AssPr", "DetRe", "DetPr", "LocA")
    return Score(
        name=name,
        frames=frames,
        values={
            "MOTA": 100 * float(clear["MOTA"]),
            "IDF1": 100 * float(identity["IDF1"]),
            "MT": int(clear["MT"]),
            "ML": int(clear["ML"]),
            "FP": int(clear["CLR_FP"]),
            "FN": int(clear["CLR_FN"]),
            "Rcll": 100 * float(clear["CLR_Re"]),
            "Prcn": 100 * float(clear["CLR_Pr"]),
            **{field: 100 * float(np.mean(hota[field])) for field in over_thresholds},
            # Not TrackEval's FP_per_frame: that leaves out the frames of sequences without any result.
            "FAF": int(clear["CLR_FP"]) / frames,
            "ID Sw.": int(clear["IDSW"]),
            "Frag": int(clear["Frag"]),
            "Hz": hz,
        },
        curves={field: tuple((100 * hota[field]).tolist()) for field in CURVES},
    )


def _combined_hz(hz: Mapping[str, float | None], frames: Mapping[str, int]) -> float | None:
    """All frames by all the time they took; unknown when any sequence's is."""
    seconds = [frames[name] / rate for name, rate in hz.items() if rate]
    return sum(frames.values()) / sum(seconds) if len(seconds) == len(hz) else None
