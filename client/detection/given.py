"""Detections that a file gives, in place of a network: a benchmark's public ones, or another detector's."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import numpy as np

from mot.detections import Detections
from mot.frame import Frame
from mot.geometry import xywh_to_xyxy
from mot.sequence import SequenceError, read_detections


class GivenDetections:
    """A detector that answers with the rows of a ``det.txt``, by the frame's number.

    Scores are the file's. Detectors differ (FRCNN's of MOT17 are nearly all 1, DPM's may be negative), so the
    tracker's thresholds must be chosen for them.
    """

    def __init__(self, path: Path) -> None:
        """Read ``frame,-1,left,top,width,height,score``; the rows may come in any order.

        Raises:
            SequenceError: the file cannot be read or a line is malformed.
        """
        self.path = path
        rows = read_detections(path)
        rows = rows[np.lexsort((-rows.scores, rows.frames))]
        self._frames = rows.frames
        self._all = Detections(
            boxes=xywh_to_xyxy(rows.boxes).astype(np.float32),
            scores=rows.scores.astype(np.float32),
        )

    @property
    def last_frame(self) -> int:
        """The last frame with a detection; 0 where there is none."""
        return int(self._frames[-1]) if len(self._frames) else 0

    @property
    def best_score(self) -> float:
        """The highest score of all; minus infinity where there is no detection."""
        return float(self._all.scores.max(initial=-np.inf))

    def check_length(self, length: int) -> None:
        """Raise :class:`SequenceError` where there are detections beyond a sequence of ``length`` frames."""
        if self.last_frame > length:
            raise SequenceError(
                f"{self.path}: has detections in frame {self.last_frame}, but the sequence has {length} frames; "
                "give the detections of this sequence"
            )

    def at(self, frame: int) -> Detections:
        """Those of one frame, counted from 1: boxes in pixels of the original image, best score first."""
        first, behind = np.searchsorted(self._frames, [frame, frame + 1])
        return self._all[first:behind]

    def submit(self, frame: Frame) -> Future[Detections]:
        """See :meth:`client.detection.detector.Detector.submit`; done at once."""
        answer: Future[Detections] = Future()
        answer.set_result(self.at(frame.index))
        return answer

    def close(self) -> None:
        """Nothing is held."""
