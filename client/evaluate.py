"""The official MOTChallenge measures of result files, by TrackEval's own code.

TrackEval (Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", 2020) wants a
benchmark's folders and stops at small irregularities. Here each pair of files is read and checked with
our reader, cut to the frames that are scored, renumbered from 1, and written into such folders; reading,
distractor removal, measures and their combination are then TrackEval's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import numpy as np

from client.measures import Evaluation, Score
from mot.errors import MotError
from mot.sequence import (
    MotRows,
    read_ground_truth,
    read_results,
    read_seqinfo,
    write_ground_truth,
    write_results,
)

try:
    from trackeval.datasets import MotChallenge2DBox
    from trackeval.metrics import CLEAR, HOTA, Identity
except ImportError as error:
    raise MotError(f"TrackEval is missing ({error}); make setup, or pip install --no-deps trackeval==1.3.0") from error

Protocol = Literal["MOT15", "MOT16", "MOT17", "MOT20"]
_CLASSES = range(1, 14)
_Counts = Mapping[str, Mapping[str, Any]]  # metric's name -> field -> value, as TrackEval gives them


class EvaluationError(MotError, ValueError):
    """Files that cannot be scored; the message names them and says what to change."""


@dataclass(frozen=True, kw_only=True)
class SequencePair:
    """A sequence to score: frames ``first`` to ``last`` of two files, numbered as in these.

    What lies outside is dropped. Without ``last`` the sequence ends at ``length``, and a row beyond it is an
    error; without either it ends with the later of the two files.
    """

    name: str
    ground_truth: Path
    result: Path
    length: int | None = None  # frames of the whole sequence
    first: int = 1
    last: int | None = None
    hz: float | None = None  # frames per second of the tracker, if it was measured

    def __post_init__(self) -> None:
        if self.first < 1 or (self.last is not None and self.last < self.first):
            raise EvaluationError(f"{self.name}: frames {self.first} to {self.last} are no range; frames start at 1")
        if self.length is not None and self.length < self.first:
            raise EvaluationError(f"{self.name}: frame {self.first} is beyond the sequence's {self.length} frames")


def find_pairs(ground_truth: Path, result: Path, *, ground_truth_name: str = "gt.txt") -> list[SequencePair]:
    """Two files, or a benchmark's folder ``SEQUENCE/gt/gt.txt`` and a folder with ``SEQUENCE.txt`` for each.

    A folder may also be one sequence. Lengths come from ``seqinfo.ini`` where there is one.

    Raises:
        EvaluationError: a file is missing, or a folder holds no sequence.
        SequenceError: a seqinfo.ini is malformed.
    """
    if ground_truth.is_file():
        return [_pair(ground_truth, result)]
    if not ground_truth.is_dir():
        raise EvaluationError(f"{ground_truth}: no such file or folder; give a gt.txt or a folder of sequences")
    inside = Path("gt") / ground_truth_name
    found = [ground_truth / inside] if (ground_truth / inside).is_file() else sorted(ground_truth.glob(f"*/{inside}"))
    if not found:
        raise EvaluationError(f"{ground_truth}: holds no SEQUENCE/{inside}")
    if len(found) > 1 and not result.is_dir():
        raise EvaluationError(f"{result}: is no folder, but {ground_truth} holds {len(found)} sequences")
    return [_pair(file, result) for file in found]


def evaluate(pairs: Sequence[SequencePair], protocol: Protocol = "MOT17") -> Evaluation:
    """Score results against ground truth, each sequence alone and all together.

    MOT15 scores every row whose mark is not 0. MOT16, 17 and 20 first remove results that match a
    distractor (person on vehicle, static person, reflection, ...), then score pedestrians whose mark is not 0.

    Raises:
        EvaluationError: nothing to score, a repeated name, rows beyond the sequence's length, an unknown class.
        SequenceError: a file is missing or malformed.
    """
    if protocol not in get_args(Protocol):
        raise EvaluationError(f"protocol {protocol!r} is unknown; choose one of {', '.join(get_args(Protocol))}")
    names = [pair.name for pair in pairs]
    if not names or len(set(names)) < len(names):
        raise EvaluationError(f"expected one or more sequences with different names, got {names}")
    metrics = {"HOTA": HOTA(), "CLEAR": CLEAR({"PRINT_CONFIG": False}), "Identity": Identity({"PRINT_CONFIG": False})}
    warnings: list[str] = []
    counts: dict[str, _Counts] = {}
    frames: dict[str, int] = {}
    for pair in pairs:
        truth, found, frames[pair.name] = _read(pair, warnings)
        unknown = truth.classes[~np.isin(truth.classes, _CLASSES)]
        if len(unknown) and protocol != "MOT15":
            raise EvaluationError(
                f"{pair.ground_truth}: class {unknown[0]} is none of {protocol}'s 1 to 13; is it a file of MOT15?"
            )
        data = _preprocess(truth, found, frames[pair.name], protocol)
        counts[pair.name] = {name: metric.eval_sequence(data) for name, metric in metrics.items()}
    combined = {
        name: metric.combine_sequences({sequence: counts[sequence][name] for sequence in names})
        for name, metric in metrics.items()
    }
    return Evaluation(
        protocol=protocol,
        sequences=tuple(_score(pair.name, counts[pair.name], frames[pair.name], pair.hz) for pair in pairs),
        combined=_score("COMBINED", combined, sum(frames.values()), _combined_hz(pairs, frames)),
        warnings=tuple(warnings),
    )


def _pair(ground_truth: Path, result: Path) -> SequencePair:
    """One sequence, named by its folder if the file lies in ``SEQUENCE/gt``; ``result`` may be a folder."""
    folder, in_sequence = ground_truth.absolute().parents[1], ground_truth.absolute().parent.name == "gt"
    name = folder.name if in_sequence else ground_truth.stem
    if result.is_dir():
        result /= f"{name}.txt"
    if not result.is_file():
        raise EvaluationError(f"{result}: no such file; expected the result for {ground_truth}")
    has_length = in_sequence and (folder / "seqinfo.ini").is_file()
    length = read_seqinfo(folder / "seqinfo.ini").length if has_length else None
    return SequencePair(name=name, ground_truth=ground_truth, result=result, length=length)


def _read(pair: SequencePair, warnings: list[str]) -> tuple[MotRows, MotRows, int]:
    """Ground truth and result of the scored frames, renumbered from 1, and how many frames these are."""
    truth, found = read_ground_truth(pair.ground_truth), read_results(pair.result)
    last = _last_frame(pair, truth, found)
    truth, found = truth.between(pair.first, last), found.between(pair.first, last)
    if not len(truth):
        raise EvaluationError(f"{pair.ground_truth}: no labels in frames {pair.first} to {last}; nothing to score")
    if not len(found):
        warnings.append(f"{pair.name}: {pair.result} has no rows in frames {pair.first} to {last}: all are missed")
    labelled = truth.frames.min(), truth.frames.max()
    if pair.last is None and len(found) > len(found.between(*labelled)):
        warnings.append(
            f"{pair.name}: labels cover only frames {labelled[0]} to {labelled[1]}, every result outside counts as "
            "false; score that range if the others were never labelled"
        )
    shift = pair.first - 1
    return _renumber(truth, shift), _renumber(found, shift), last - shift


def _last_frame(pair: SequencePair, truth: MotRows, found: MotRows) -> int:
    """The last frame to score, in the files' numbers."""
    if pair.last is not None:
        return min(pair.last, pair.length or pair.last)
    last_rows = {
        path: int(rows.frames.max(initial=0)) for path, rows in ((pair.ground_truth, truth), (pair.result, found))
    }
    if pair.length is None:
        return max(last_rows.values())
    for path, last_row in last_rows.items():
        if last_row > pair.length:
            raise EvaluationError(
                f"{path}: frame {last_row} is beyond the {pair.length} frames of {pair.name}; "
                "give the right length, or a range of frames to score"
            )
    return pair.length


def _renumber(rows: MotRows, shift: int) -> MotRows:
    """Frames from 1, and ids without gaps, because TrackEval's tables grow with the largest one."""
    return replace(rows, frames=rows.frames - shift, ids=np.unique(rows.ids, return_inverse=True)[1] + 1)


def _preprocess(truth: MotRows, found: MotRows, frames: int, protocol: Protocol) -> Any:
    """TrackEval's data of one sequence, distractors removed."""
    with TemporaryDirectory(prefix="mot-eval-") as name:
        folder = Path(name)
        write_ground_truth(folder / "gt" / "sequence" / "gt" / "gt.txt", truth)
        write_results(folder / "trackers" / "ours" / "data" / "sequence.txt", found)
        dataset = MotChallenge2DBox(
            {
                "GT_FOLDER": str(folder / "gt"),
                "TRACKERS_FOLDER": str(folder / "trackers"),
                "TRACKERS_TO_EVAL": ["ours"],
                "BENCHMARK": protocol,
                "SEQ_INFO": {"sequence": frames},
                "SKIP_SPLIT_FOL": True,
                "PRINT_CONFIG": False,
            }
        )
        return dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("ours", "sequence"), "pedestrian")


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
    )


def _combined_hz(pairs: Sequence[SequencePair], frames: Mapping[str, int]) -> float | None:
    """All frames by all the time they took; unknown when any sequence's is."""
    seconds = [frames[pair.name] / pair.hz for pair in pairs if pair.hz]
    return sum(frames.values()) / sum(seconds) if len(seconds) == len(pairs) else None
