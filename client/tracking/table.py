"""The state of all tracks of one video, and the steps that trackers are made of.

Tracks are rows of one table (:mod:`client.tracking.records`), which grows when more people are in view than
ever before; every step works on all of them at once in compiled code. A tracker is a policy: it says, frame
by frame, which tracks are offered which detections, at what cost and up to which limit.

    table.take(detections, time, least_score=0.1)
    known, tentative = table.rows(TRACKED, LOST), table.rows(TENTATIVE)
    known, found = table.match(known, found, table.overlap(known, found), limit=0.8)
    ...
    return table.finish(found, least_score=0.5, needed=2)
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from client.tracking import costs, lifecycle, matching, motion, taking
from client.tracking.config import TrackerConfig
from client.tracking.costs import Cost
from client.tracking.moment import Parts
from client.tracking.motion import MotionModel
from client.tracking.records import FOUND, GONE, LOST, TRACK, Rows, Table
from client.tracking.rules import rules_of
from client.tracking.tracker import TrackerError
from mot.detections import Detections, Tracks

# A time step is taken as whole frames where it is so close: containers round times to milliseconds.
_JITTER = 0.05  # frames
_LOOK_EVERY = 0.25  # seconds between two looks for doubles among confirmed tracks


class TrackTable:
    """Tracks of one video. ``tracks`` and ``found`` are the tables; rows and columns are indices into them."""

    def __init__(
        self,
        config: TrackerConfig,
        frame_rate: float,
        model: MotionModel,
        *,
        predict_tentative: bool,
        margin: float,
        measured: bool = False,
    ) -> None:
        """
        Args:
            model: what the Kalman filters follow.
            predict_tentative: whether people seen once are expected to move on before their second detection.
            margin: pixels added to widths and heights for IoU.
            measured: show the detections' boxes, not the filters'.

        Raises:
            TrackerError: the frame rate is not a positive number.
        """
        if not 0 < frame_rate < np.inf:
            raise TrackerError(f"frame rate is {frame_rate}, but must be a positive number")
        self._frame_rate = frame_rate
        rules = rules_of(config, frame_rate, measured=measured)
        self._rules, self._patience, self._memory = (*rules,), rules.patience, rules.memory
        self._look_every = max(1, round(_LOOK_EVERY * frame_rate))
        self._model = model
        self._predict_tentative, self._margin = predict_tentative, float(margin)
        self.frame = 0  # of the current update, from 1
        self.seconds = 0.0  # since the update before, by times given or nominally
        self.clock = 0.0  # frames, fractional where times are given
        self._time: float | None = None
        self._last_id = 0
        self._count = 0
        # Room for tracks, and for a frame's detections as they were given and as they are used; kept and reused.
        self._tracks, self._known = np.zeros(0, TRACK), np.zeros((0, 0), np.float32)
        self._boxes, self._scores, self._classes = np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64)
        self._given, self._found = np.zeros((0, 0), np.float32), np.zeros(0, FOUND)
        self.tracks: Table = self._tracks
        self.found: Table = self._found
        self._extent = np.array([np.inf, np.inf, -np.inf, -np.inf])
        self._parts = self._now()

    def follow(self, model: MotionModel) -> None:
        """What the filters follow from now on, as long as there are no tracks."""
        if not self._count:
            self._model = model

    @property
    def has_embeddings(self) -> bool:
        """Whether the tracks' embeddings are known."""
        return self._known.shape[1] > 0

    def take(
        self, detections: Detections, time: float | None, *, least_score: float, with_embeddings: bool = True
    ) -> None:
        """Check the next frame's detections, sort those of enough score into ``found``, and predict all tracks.

        Args:
            time: seconds, or None where one frame has passed.
            with_embeddings: use them where there are any.

        Raises:
            TrackerError: see :meth:`client.tracking.tracker.Tracker.update`.
        """
        count, given = len(detections), detections.embeddings if with_embeddings else None
        width = 0 if given is None else given.shape[1]
        usable = self._sort(detections, given, least_score)
        if self._count and count and width != self._known.shape[1]:
            raise TrackerError(f"embeddings have {width} numbers, those before had {self._known.shape[1]}")
        step = self._step(time)
        self._reserve_tracks(self._count + usable, width if count and not self._count else self._known.shape[1])
        self.found = self._found[:usable]
        self.frame += 1
        self.clock += step
        self.seconds = step / self._frame_rate
        self._parts = self._now()
        # Where frames are missing: whoever would have expired with one of these must not be found now.
        lifecycle.expire(self.tracks, self.clock, self._patience + 1, self._memory + 1)
        motion.predict(self.tracks, self._model.form, self._model.noise, step, self._predict_tentative)

    def _sort(self, detections: Detections, given: npt.NDArray[np.float32] | None, least_score: float) -> int:
        """Copy a frame's detections, and sort those to be used into the room for them; returns their number."""
        count, width = len(detections), 0 if given is None else given.shape[1]
        self._reserve_detections(count, width)
        boxes, scores, classes = self._boxes[:count], self._scores[:count], self._classes[:count]
        embeddings = self._given[:count]
        boxes[:], scores[:] = detections.boxes, detections.scores
        classes[:] = 0 if detections.classes is None else detections.classes
        if given is not None and count:
            embeddings[:] = given
        usable, row = taking.take(
            boxes, scores, embeddings, classes, _exact(least_score), self._model.form, self._found
        )
        if usable == taking.NOT_FINITE:
            _refuse_first_not_finite(boxes, scores, embeddings)
        if usable == taking.INVERTED:
            raise TrackerError(f"detection {row}: box {boxes[row].tolist()} is not left, top, right, bottom")
        return usable

    def _now(self) -> Parts:
        """The parts of a Moment: what the compiled steps of this frame are about."""
        model = self._model
        return self._tracks, self.found, self._known, self._given, self.clock, model.form, model.noise, self._margin

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
        """Make room for a frame's detections."""
        if count > len(self._found):
            size = max(64, 2 * count)
            self._found, self._boxes = np.zeros(size, FOUND), np.zeros((size, 4))
            self._scores, self._classes = np.zeros(size), np.zeros(size, np.int64)
        if count and (count > len(self._given) or width != self._given.shape[1]):
            self._given = np.zeros((len(self._found), width), np.float32)

    def _reserve_tracks(self, count: int, width: int) -> None:
        """Make room for tracks, with embeddings of ``width`` numbers; those there are stay."""
        if count > len(self._tracks):
            tracks = np.zeros(max(64, 2 * count), TRACK)
            tracks[: self._count] = self.tracks
            self._tracks, self.tracks = tracks, tracks[: self._count]
        if len(self._tracks) > len(self._known) or width != self._known.shape[1]:
            known = np.zeros((len(self._tracks), width), np.float32)
            if width == self._known.shape[1]:
                known[: self._count] = self._known[: self._count]
            self._known = known

    def rows(self, *states: int) -> Rows:
        """Rows of the tracks that are in any of some states."""
        return matching.rows_of(self.tracks, _mask(*states))

    def only(self, rows: Rows, state: int) -> Rows:
        """Those of ``rows`` that are in a state."""
        return matching.only(self.tracks, rows, state)

    def split(self, score: float) -> tuple[Rows, Rows]:
        """Columns of the detections that score at least ``score``, and of the others; best first."""
        return matching.split(self.found, _exact(score))

    def shift(self, affine: npt.NDArray[np.float64]) -> None:
        """Follow the camera; see :func:`client.tracking.motion.shift`."""
        motion.shift(self.tracks, self._model.form, affine)

    # Numbers are made floats below: a whole one would have the compiled steps compiled once more.

    def overlap(
        self, rows: Rows, columns: Rows, *, fused: bool = False, observed: bool = False, far: float = np.inf
    ) -> Cost:
        """See :func:`client.tracking.costs.overlap_cost`."""
        return costs.overlap_cost(self._parts, rows, columns, fused, observed, float(far))

    def overlap_or_embedding(self, rows: Rows, columns: Rows, *, fused: bool, far: float, unlike: float) -> Cost:
        """See :func:`client.tracking.costs.overlap_or_embedding_cost`; without embeddings, overlap alone."""
        return costs.overlap_or_embedding_cost(self._parts, rows, columns, fused, float(far), float(unlike))

    def embedding(self, rows: Rows, columns: Rows, *, gate: float, weight: float = 1) -> Cost:
        """See :func:`client.tracking.costs.embedding_cost`."""
        return costs.embedding_cost(self._parts, rows, columns, float(gate), float(weight))

    def course(self, rows: Rows, columns: Rows, *, inertia: float, delta_t: float, limit: float) -> Cost:
        """See :func:`client.tracking.costs.course_cost`."""
        return costs.course_cost(self._parts, rows, columns, float(inertia), float(delta_t), float(limit))

    def match(
        self, rows: Rows, columns: Rows, cost: Cost, limit: float, *, momentum: float = 1, rewind: bool = False
    ) -> tuple[Rows, Rows]:
        """Assign and correct; see :func:`client.tracking.matching.match`."""
        if not cost.size:
            return rows, columns
        return matching.match(self._parts, rows, columns, cost, float(limit), float(momentum), rewind)

    def lose(self, rows: Rows) -> None:
        """Remember these tracks for a while."""
        lifecycle.mark(self.tracks, rows, LOST)

    def drop(self, rows: Rows) -> None:
        """End these tracks with this frame."""
        lifecycle.mark(self.tracks, rows, GONE)

    def finish(self, columns: Rows, *, least_score: float, needed: int, sure: float = np.inf) -> Tracks:
        """Begin tracks, end those too long lost and doubles, give ids; returns what is to be shown.

        Args:
            columns: detections that nobody has taken.
            least_score: from which one of these begins a track.
            needed: detections that confirm a track.
            sure: a detection that scores so much more than the least does so alone.
        """
        least = _exact(least_score)
        beginning = least, least + sure, needed, self.frame % self._look_every == 0
        self._count, self._last_id, shown = lifecycle.finish(
            self._parts, self._count, self._last_id, columns, beginning, self._extent, self._rules
        )
        self.tracks = self._tracks[: self._count]
        return Tracks(
            ids=shown["id"],
            boxes=shown["box"],
            scores=shown["score"],
            detections=shown["detection"],
            states=shown["state"],
            classes=shown["class"],
        )


@cache
def _mask(*states: int) -> int:
    return sum(1 << state for state in states)


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
