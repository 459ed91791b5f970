"""Rows as TrackEval's data of one sequence, prepared by its own code: IoU, and removal of distractors."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from client.evaluation.pair import EvaluationError
from client.evaluation.rows import ScoredRows
from mot.errors import MotError
from mot.sequence import CLASSES, MotRows
from mot.splits import Benchmark

try:
    from trackeval.datasets import MotChallenge2DBox
except ImportError as error:
    raise MotError(f"TrackEval is missing ({error}); make setup, or pip install --no-deps trackeval==1.3.0") from error

_SEQUENCE, _TRACKER = "sequence", "tracker"


class _Dataset(MotChallenge2DBox):  # type: ignore[misc]  # TrackEval has no types
    """Takes its rows from memory: to write them as text for TrackEval to read took longer than all the rest."""

    def __init__(self, rows: ScoredRows, benchmark: Benchmark) -> None:
        self._rows = rows
        # It asks for a benchmark's folders with a file for each sequence.
        with TemporaryDirectory(prefix="mot-eval-") as name:
            for file in (Path(name, _SEQUENCE, "gt", "gt.txt"), Path(name, _TRACKER, "data", f"{_SEQUENCE}.txt")):
                file.parent.mkdir(parents=True)
                file.touch()
            super().__init__(
                {
                    "GT_FOLDER": name,
                    "TRACKERS_FOLDER": name,
                    "TRACKERS_TO_EVAL": [_TRACKER],
                    "BENCHMARK": benchmark,
                    "SEQ_INFO": {_SEQUENCE: rows.count},
                    "SKIP_SPLIT_FOL": True,
                    "PRINT_CONFIG": False,
                }
            )

    def _load_raw_file(self, tracker: str, seq: str, is_gt: bool) -> dict[str, Any]:
        """The fields that ``MotChallenge2DBox._load_raw_file`` of TrackEval 1.3 reads, a list entry for each frame."""
        rows, side = (self._rows.truth, "gt") if is_gt else (self._rows.found, "tracker")
        frames = _by_frame(rows, self._rows.first, self._rows.last)
        # Ids without gaps, because TrackEval's tables grow with the largest one.
        ids = np.unique(rows.ids, return_inverse=True)[1] + 1
        fields: dict[str, Any] = {
            "num_timesteps": self._rows.count,
            "seq": seq,
            f"{side}_ids": [ids[frame] for frame in frames],
            f"{side}_dets": [rows.boxes[frame] for frame in frames],
            f"{side}_classes": [rows.classes[frame] for frame in frames],
        }
        if is_gt:
            fields["gt_extras"] = [{"zero_marked": rows.scores[frame]} for frame in frames]
        else:
            fields["tracker_confidences"] = [rows.scores[frame] for frame in frames]
        return fields


def prepare(rows: ScoredRows, benchmark: Benchmark, labels: str) -> Any:
    """TrackEval's preprocessed data. Frames and ids count from 0 there.

    Raises:
        EvaluationError: a class that the benchmark does not know, or no label that it scores; the message names
            ``labels``.
    """
    unknown = rows.truth.classes[~np.isin(rows.truth.classes, CLASSES)]
    if len(unknown) and benchmark != "MOT15":
        raise EvaluationError(f"{labels}: class {unknown[0]} is none of {benchmark}'s 1 to 13; is it a file of MOT15?")
    dataset = _Dataset(rows, benchmark)
    data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data(_TRACKER, _SEQUENCE), "pedestrian")
    if not data["num_gt_dets"]:
        kinds = "mark 0" if benchmark == "MOT15" else "mark 0 or another class than pedestrian (1)"
        raise EvaluationError(
            f"{labels}: no label to score in frames {rows.first} to {rows.last}: all {len(rows.truth)} have "
            f"{kinds}; give labels of pedestrians with marks of 1, or choose another --benchmark"
        )
    return data


def scored_people(truth: MotRows, benchmark: Benchmark) -> npt.NDArray[np.int64]:
    """(P,) ids in the label file of the people who are scored, ascending: the prepared data's id is the index here."""
    scored = truth.scores != 0
    if benchmark != "MOT15":
        scored &= truth.classes == 1
    return np.unique(truth.ids[scored])


def _by_frame(rows: MotRows, first: int, last: int) -> list[npt.NDArray[np.intp]]:
    """Indices of the rows of each frame, in the file's order."""
    order = np.argsort(rows.frames, kind="stable")
    return np.split(order, np.searchsorted(rows.frames[order], np.arange(first + 1, last + 1)))
