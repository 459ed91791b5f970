"""A recorded sequence with its labels: what settings are tried on, and what they score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from client.evaluation.benchmark import take_half
from client.evaluation.pair import EvaluationError, SequencePair
from client.evaluation.rows import ScoredRows, in_sequence
from client.evaluation.scoring import Benchmark, score_rows
from client.tracking import TrackerConfig
from client.tuning.recording import Recording, replay
from client.video.images import SEQINFO
from mot.seqinfo import read_length
from mot.sequence import MotRows, read_ground_truth
from mot.splits import Convention
from mot.table import Remark

MEASURES = ("HOTA", "MOTA", "IDF1", "Prcn")
JUDGED = ("HOTA", "MOTA", "IDF1")  # their mean is what settings are chosen by
Scores = Mapping[str, float]  # by MEASURES


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels of a sequence, and where its frames come from."""

    name: str
    source: Path  # folder or video
    truth: MotRows  # of frames first to last, by the sequence's numbers
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A sequence on which settings are tried; labels and recording are of the same frames."""

    name: str
    truth: MotRows
    recording: Recording
    first: int
    last: int

    def score(self, config: TrackerConfig, benchmark: Benchmark) -> Scores:
        """What a tracker with these settings scores."""
        found = replay(self.recording, config.tracker(self.recording.frame_rate))
        rows = ScoredRows(
            truth=self.truth, found=found, first=self.first, last=self.last, renumbered=False, warnings=()
        )
        combined = score_rows({self.name: rows}, benchmark).combined
        return {measure: combined[measure] for measure in MEASURES}


def judged(scores: Sequence[Scores]) -> float:
    """One number for several sequences: the mean of HOTA, MOTA and IDF1."""
    return float(np.mean([one[measure] for one in scores for measure in JUDGED]))


def read_labels(
    given: str,
    *,
    name: str = "gt.txt",
    split: str | None = None,
    half: Convention = "bytetrack",
    start: int = 1,
    end: int | None = None,
    remark: Remark | None = None,
) -> Labels:
    """Labels of ``SEQUENCE`` (a folder with ``gt/gt.txt``) or ``VIDEO=GT.txt``.

    Args:
        name: the labels' file name in ``SEQUENCE/gt``.
        split, half: take one half of the sequence, as :func:`client.evaluation.benchmark.take_half` does.
        start, end: first and last frame else; by default all that there are.
        remark: see :func:`mot.sequence.read_ground_truth`.

    Raises:
        EvaluationError: there are no such files, no labels in these frames, or nothing says how to halve them.
        SequenceError: a file is malformed.
    """
    video, separator, labels = given.partition("=")
    source = Path(video)
    file = Path(labels) if separator else source / "gt" / name
    for path in (source, file):
        if not path.exists():
            raise EvaluationError(
                f"{path}: no such file or folder; give SEQUENCE (a folder with gt/{name}) or VIDEO=GT.txt"
            )
    folder = file.absolute().parents[1]
    info = folder / SEQINFO
    length = read_length(info) if info.is_file() else None
    label = folder.name if file.parent.name == "gt" else source.stem
    pair = SequencePair(name=label, ground_truth=file, result=file, length=length, first=start, last=end)
    pair = take_half(pair, split, half) if split else pair
    truth = in_sequence(read_ground_truth(file, remark), pair, pair.ground_truth_numbering)
    last = pair.last or length or int(truth.frames.max(initial=0))
    truth = truth.between(pair.first, last)
    if not len(truth):
        raise EvaluationError(f"{file}: no labels in frames {pair.first} to {last}; nothing to tune on")
    return Labels(name=label, source=source, truth=truth, first=pair.first, last=last)


def join(labels: Labels, recording: Recording) -> Labelled:
    """Labels with what was recorded of their frames.

    Raises:
        EvaluationError: frames of the labels were not recorded.
    """
    inside = (recording.frames >= labels.first) & (recording.frames <= labels.last)
    missing = np.setdiff1d(np.unique(labels.truth.frames), recording.frames[inside])
    if len(missing):
        raise EvaluationError(
            f"{labels.name}: {len(missing)} labelled frames are not in the recording, the first is {missing[0]}; "
            f"does {labels.source} have all frames to {labels.last}?"
        )
    places = np.flatnonzero(inside)
    return Labelled(
        name=labels.name,
        truth=labels.truth,
        recording=replace(
            recording,
            frames=recording.frames[places],
            times=recording.times[places],
            detections=tuple(recording.detections[place] for place in places.tolist()),
        ),
        first=labels.first,
        last=labels.last,
    )


def covers(recording: Recording, labels: Labels, model: str) -> bool:
    """Whether a recording is of this model and has every labelled frame."""
    return recording.model == model and bool(np.isin(labels.truth.frames, recording.frames).all())
