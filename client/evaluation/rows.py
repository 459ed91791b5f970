"""The rows of a sequence that are scored, by the frame numbers of the whole sequence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from client.evaluation.pair import EvaluationError, Numbering, SequencePair
from mot.sequence import MotRows, read_ground_truth, read_results


@dataclass(frozen=True, kw_only=True)
class ScoredRows:
    """Labels and results in frames ``first`` to ``last``."""

    truth: MotRows
    found: MotRows
    first: int
    last: int
    renumbered: bool  # whether the result counts frames from 1 where the scored ones begin later
    warnings: tuple[str, ...]  # what makes the figures questionable

    @property
    def count(self) -> int:
        """Scored frames."""
        return self.last - self.first + 1


def read_rows(pair: SequencePair) -> ScoredRows:
    """Read both files and keep what is scored; what TrackEval reads is read, and warned of where it is irregular.

    Raises:
        EvaluationError: nothing to score, or rows beyond the sequence's length.
        SequenceError: a file is missing or malformed.
    """
    remarks: list[str] = []
    truth = in_sequence(read_ground_truth(pair.ground_truth, remarks.append), pair, pair.ground_truth_numbering)
    result = read_results(pair.result, remarks.append)
    found = in_sequence(result, pair, pair.result_numbering)
    last = _last_frame(pair, truth, found)
    renumbered = found is not result
    truth, found = truth.between(pair.first, last), found.between(pair.first, last)
    if not len(truth):
        raise EvaluationError(f"{pair.ground_truth}: no labels in frames {pair.first} to {last}; nothing to score")
    return ScoredRows(
        truth=truth,
        found=found,
        first=pair.first,
        last=last,
        renumbered=renumbered,
        warnings=(*remarks, *_warnings(pair, truth, found, last)),
    )


def in_sequence(rows: MotRows, pair: SequencePair, numbering: Numbering) -> MotRows:
    """The rows by the sequence's frame numbers; the same object where they have these already.

    Left to ``auto``, rows count from 1 when they begin before the scored frames and end within as many. No file of
    the whole sequence does so, unless nobody was found in all of its later part.
    """
    if numbering == "auto" and pair.last is not None and len(rows):
        begins_before, count = rows.frames.min() < pair.first, pair.last - pair.first + 1
        numbering = "from-1" if begins_before and rows.frames.max() <= count else "original"
    shifted = numbering == "from-1" and pair.first > 1
    return replace(rows, frames=rows.frames + pair.first - 1) if shifted else rows


def _last_frame(pair: SequencePair, truth: MotRows, found: MotRows) -> int:
    """The last frame to score."""
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


def _warnings(pair: SequencePair, truth: MotRows, found: MotRows, last: int) -> tuple[str, ...]:
    warnings = []
    if not len(found):
        warnings.append(f"{pair.name}: {pair.result} has no rows in frames {pair.first} to {last}: all are missed")
    fractions = (truth.scores != 0) & (np.abs(truth.scores) < 1)
    if fractions.any():
        warnings.append(
            f"{pair.name}: {fractions.sum()} labels have marks such as {truth.scores[fractions][0]:g}; they count, as "
            "all but 0 do, though TrackEval would cut these marks to 0 and drop their labels"
        )
    labelled = truth.frames.min(), truth.frames.max()
    if pair.last is None and len(found) > len(found.between(*labelled)):
        warnings.append(
            f"{pair.name}: labels cover only frames {labelled[0]} to {labelled[1]}, every result outside counts as "
            "false; score that range if the others were never labelled"
        )
    return tuple(warnings)
