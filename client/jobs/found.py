"""Whether a job has followed those whom the network found; said where it has not, as settings may be to blame."""

from __future__ import annotations

import logging

from client.pipeline.tracked import TrackedFrame

log = logging.getLogger(__name__)

_FEW = 0.5  # of those who were surely found
_ENOUGH = 20  # of them, so that a share says something


class Found:
    """Counts of a job, frame by frame."""

    def __init__(self, sure: float) -> None:
        """``sure``: score from which the network has surely found somebody."""
        self._sure = sure
        self._frames = self._surely = self._followed = 0
        self._best = 0.0

    def add(self, tracked: TrackedFrame) -> None:
        """One more frame."""
        scores = tracked.detections.scores
        self._frames += 1
        self._surely += int((scores >= self._sure).sum())
        self._followed += len(tracked.tracks)
        self._best = max(self._best, float(scores.max(initial=0)))

    def warn(self, name: str, tracker: str, least: float) -> None:
        """Say so where nobody, or far too few, were followed.

        Args:
            name: of the job.
            tracker: its name.
            least: score from which it follows people.
        """
        if self._followed == 0 and self._frames:
            log.warning(
                "%s: nobody was followed in %d frames; the best score is %.2f, people are followed from %g: "
                "where there are people, lower --conf-thres",
                *(name, self._frames, self._best, least),
            )
        elif self._surely >= _ENOUGH and self._followed < _FEW * self._surely:
            log.warning(
                "%s: %s has followed %d boxes, but %d were found with a score of %g or more: its thresholds do not "
                "suit this model; leave out --tracker-preset paper, or lower --conf-thres and the tracker's others",
                *(name, tracker, self._followed, self._surely, self._sure),
            )
