"""One sequence to score: its two files and the frames that count."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mot.errors import MotError

# How a file counts frames: as the whole sequence does, or from 1 where the scored ones begin; auto: by its rows.
Numbering = Literal["auto", "original", "from-1"]


class EvaluationError(MotError, ValueError):
    """Files that cannot be scored; the message names them and says what to change."""


@dataclass(frozen=True, kw_only=True)
class SequencePair:
    """A sequence to score: frames ``first`` to ``last``, numbered as in the whole sequence.

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
    ground_truth_numbering: Numbering = "original"
    result_numbering: Numbering = "original"

    def __post_init__(self) -> None:
        if self.first < 1 or (self.last is not None and self.last < self.first):
            raise EvaluationError(f"{self.name}: frames {self.first} to {self.last} are no range; frames start at 1")
        if self.length is not None and self.length < self.first:
            raise EvaluationError(f"{self.name}: frame {self.first} is beyond the sequence's {self.length} frames")
