"""The state of all tracks of one video, and the steps that trackers are made of.

Tracks are rows of one table (:mod:`client.tracking.records`), which grows when more people are in view than
ever before; every step works on all of them at once in compiled code. A tracker is a policy: it says, frame
by frame, which tracks are offered which detections, at what cost and up to which limit.

    engine.take(detections, least_score=0.1)
    known, tentative = engine.rows(TRACKED, LOST), engine.rows(TENTATIVE)
    known, found = engine.match(known, found, engine.overlap(known, found), limit=0.8)
    ...
    return engine.finish(found, least_score=0.5)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from client.tracking import costs, lifecycle, motion
from client.tracking.config import TrackerConfig
from client.tracking.costs import Cost, Rows, Table
from client.tracking.motion import MotionModel
from client.tracking.records import FOUND, GONE, LOST, TRACK
from client.tracking.tracker import TrackerError
from mot.detections import Detections, Tracks

# A time step is taken as whole frames where it is so close: containers round times to milliseconds.
_JITTER = 0.05  # frames


class Engine:
    """Tracks of one video. ``tracks`` and ``found`` are the tables; rows and columns are indices into them."""

    def __init__(
        self, config: TrackerConfig, frame_rate: float, model: MotionModel, *, predict_tentative: bool, margin: float
    ) -> None:
        """
        Args:
            model: what the Kalman filters follow.
            predict_tentative: whether people seen once are expected to move on before their second detection.
            margin: pixels added to widths and heights for IoU.

        Raises:
            TrackerError: the frame rate is not a positive number.
        """
        if not 0 < frame_rate < np.inf:
            raise TrackerError(f"frame rate is {frame_rate}, but must be a positive number")
        self._config, self._frame_rate = config, frame_rate
        self._patience = config.patience(frame_rate)
        self._form, self._noise = model.form, model.noise
        self._predict_tentative, self._margin = predict_tentative, margin
        self.frame = 0  # of the current update, from 1
        self.clock = 0.0  # frames, fractional where times are given
        self._time: float | None = None
        self._last_id = 0
        self._count = 0
        self._table = np.zeros(0, TRACK)
        self._features = np.zeros((0, 0), np.float32)
        self._found = np.zeros(0, FOUND)
        self._boxes = np.zeros((0, 4))
        self._scores = np.zeros(0)
        self._classes = np.zeros(0, np.int64)
        self._embeddings = np.zeros((0, 0), np.float32)
        self.tracks: Table = self._table
        self.found: Table = self._found

    def follow(self, model: MotionModel) -> None:
        """What the filters follow from now on, as long as there are no tracks."""
        if not self._count:
            self._form, self._noise = model.form, model.noise

    @property
    def looks(self) -> bool:
        """Whether embeddings are known."""
        return self._features.shape[1] > 0

    def take(self, detections: Detections, time: float | None, *, least_score: float, with_looks: bool = True) -> None:
        """Check the next frame's detections, sort those of enough score into ``found``, and predict all tracks.

        Args:
            time: seconds, or None where one frame has passed.
            with_looks: use the embeddings.

        Raises:
            TrackerError: see :meth:`client.tracking.tracker.Tracker.update`.
        """
        count, width = len(detections), detections.embeddings.shape[1] if with_looks else 0
        self._reserve_detections(count, width)
        boxes, scores, embeddings = self._boxes[:count], self._scores[:count], self._embeddings[:count]
        boxes[:], scores[:] = detections.boxes, detections.scores
        classes = self._classes[:count]
        classes[:] = 0 if detections.classes is None else detections.classes
        if embeddings.size:
            embeddings[:] = detections.embeddings
        usable, row = lifecycle.take(boxes, scores, embeddings, classes, _exact(least_score), self._form, self._found)
        if usable == lifecycle.NOT_FINITE:
            _refuse_first_not_finite(boxes, scores, embeddings)
        if usable == lifecycle.INVERTED:
            raise TrackerError(f"detection {row}: box {boxes[row].tolist()} is not left, top, right, bottom")
        if self._count and count and width != self._features.shape[1]:
            raise TrackerError(f"embeddings have {width} numbers, those before had {self._features.shape[1]}")
        step = self._step(time)
        if not self._count and count and width != self._features.shape[1]:
            self._features = np.zeros((len(self._table), width), np.float32)
        self.found = self._found[:usable]
        self.frame += 1
        self.clock += step
        # Where frames are missing: whoever would have expired with one of these must not be found now.
        lifecycle.expire(self.tracks, self.clock, self._patience + 1)
        motion.predict(self.tracks, self._form, self._noise, step, self._predict_tentative)

    def _step(self, time: float | None) -> float:
        """Frames since the last update."""
        before, step = self._time, 1.0
        if time is not None and before is not None:
            if not 0 <= time - before < np.inf:
                raise TrackerError(f"time {time} s does not follow {before} s; frames must be given in order")
            step = (time - before) * self._frame_rate
            if step > _JITTER and abs(step - round(step)) < _JITTER:
                step = max(1.0, float(round(step)))
        elif time is not None and not np.isfinite(time):
            raise TrackerError(f"time {time} is not a number of seconds")
        self._time = time
        return step

    def _reserve_detections(self, count: int, width: int) -> None:
        """Make room for a frame's detections; the space is kept for the next ones."""
        if count > len(self._found):
            size = max(64, 2 * count)
            self._found, self._boxes = np.zeros(size, FOUND), np.zeros((size, 4))
            self._scores, self._classes = np.zeros(size), np.zeros(size, np.int64)
        if count and (count > len(self._embeddings) or width != self._embeddings.shape[1]):
            self._embeddings = np.zeros((len(self._found), width), np.float32)

    def _reserve_tracks(self, count: int) -> None:
        if count > len(self._table):
            table = np.zeros(max(64, 2 * count), TRACK)
            features = np.zeros((len(table), self._features.shape[1]), np.float32)
            table[: self._count], features[: self._count] = self.tracks, self._features[: self._count]
            self._table, self._features = table, features
            self.tracks = table[: self._count]

    def rows(self, *states: int) -> Rows:
        """Rows of the tracks that are in any of some states."""
        return lifecycle.rows_of(self.tracks, sum(1 << state for state in states))

    def only(self, rows: Rows, state: int) -> Rows:
        """Those of ``rows`` that are in a state."""
        return lifecycle.only(self.tracks, rows, state)

    def split(self, score: float) -> tuple[Rows, Rows]:
        """Columns of the detections that score at least ``score``, and of the others; best first."""
        high = len(self.found) - int(np.searchsorted(self.found["score"][::-1], _exact(score)))
        columns = np.arange(len(self.found))
        return columns[:high], columns[high:]

    def shift(self, affine: npt.NDArray[np.float64]) -> None:
        """Follow the camera; see :func:`client.tracking.motion.shift`."""
        motion.shift(self.tracks, self._form, affine)

    def overlap(
        self, rows: Rows, columns: Rows, *, fused: bool = False, observed: bool = False, far: float = np.inf
    ) -> Cost:
        """See :func:`client.tracking.costs.overlap_cost`."""
        return costs.overlap_cost(self.tracks, self.found, rows, columns, fused, self._margin, observed, far)

    def overlap_or_look(self, rows: Rows, columns: Rows, *, fused: bool, far: float, unlike: float) -> Cost:
        """See :func:`client.tracking.costs.overlap_or_look_cost`; without embeddings, overlap alone."""
        return costs.overlap_or_look_cost(
            self.tracks, self.found, self._features, self._embeddings, rows, columns, fused, self._margin, far, unlike
        )

    def look(self, rows: Rows, columns: Rows, *, gate: float, weight: float = 1) -> Cost:
        """See :func:`client.tracking.costs.look_cost`."""
        return costs.look_cost(
            self.tracks, self.found, self._features, self._embeddings, rows, columns, self._noise, gate, weight
        )

    def course(self, rows: Rows, columns: Rows, *, inertia: float, delta_t: float, limit: float) -> Cost:
        """See :func:`client.tracking.costs.course_cost`."""
        return costs.course_cost(self.tracks, self.found, rows, columns, inertia, delta_t, self.clock, limit)

    def match(
        self, rows: Rows, columns: Rows, cost: Cost, limit: float, *, momentum: float = 1, rewind: bool = False
    ) -> tuple[Rows, Rows]:
        """Assign and correct; see :func:`client.tracking.lifecycle.match`."""
        if not cost.size:
            return rows, columns
        return lifecycle.match(
            self.tracks,
            self.found,
            self._features,
            self._embeddings,
            rows,
            columns,
            cost,
            limit,
            self.clock,
            momentum,
            self._form,
            self._noise,
            rewind,
        )

    def lose(self, rows: Rows) -> None:
        """Remember these tracks for a while."""
        lifecycle.mark(self.tracks, rows, LOST)

    def drop(self, rows: Rows) -> None:
        """End these tracks with this frame."""
        lifecycle.mark(self.tracks, rows, GONE)

    def finish(self, columns: Rows, *, least_score: float, needed: int, measured: bool = False) -> Tracks:
        """Begin tracks, end those too long lost and doubles, give ids; returns what is to be shown.

        Args:
            columns: detections that nobody has taken.
            least_score: from which one of these begins a track.
            needed: detections that confirm a track.
            measured: show the detections' boxes, not the filters'.
        """
        config = self._config
        self._reserve_tracks(self._count + len(columns))
        self._count, self._last_id, shown = lifecycle.finish(
            self._table,
            self._count,
            self.found,
            self._features,
            self._embeddings,
            columns,
            _exact(least_score),
            needed,
            self.clock,
            self._patience,
            config.duplicate_thres,
            self._margin,
            config.coast,
            config.coast_still,
            lifecycle.STILL / self._frame_rate,
            config.min_box_area,
            config.max_aspect,
            measured,
            self._last_id,
            self._form,
            self._noise,
        )
        self.tracks = self._table[: self._count]
        return Tracks(
            ids=shown["id"],
            boxes=shown["box"],
            scores=shown["score"],
            detections=shown["detection"],
            states=shown["state"],
            classes=shown["class"],
        )


def _exact(score: float) -> float:
    """A threshold as scores are stored, so that one that equals it passes."""
    return float(np.float32(score))


def _refuse_first_not_finite(
    boxes: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], embeddings: npt.NDArray[np.float32]
) -> None:
    for name, values in (("box", boxes), ("score", scores[:, None]), ("embedding", embeddings)):
        broken = ~np.isfinite(values).all(axis=1)
        if broken.any():
            row = int(broken.argmax())
            raise TrackerError(f"detection {row}: {name} {values[row].tolist()} is not finite")
