"""Association of FairMOT's detections: overlap first, then appearance, then BYTE's second pass.

From one frame to the next, overlap is the surer sign; appearance decides where people overlap each other, and
finds again whoever was lost. Sources: Zhang et al., "FairMOT: On the Fairness of Detection and Re-Identification
in Multiple Object Tracking", 2021 (``lib/tracker/multitracker.py``: motion gate, smoothed embeddings, life of a
track); Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", 2022 (low scores,
overlap times score); Aharon et al., "BoT-SORT", 2022, eq. 12-13 (the smaller of both costs). Constants are theirs
but for ``reid_thres``. Where we differ from FairMOT, and why:

- It matches by appearance and motion first, by overlap what is left. Ours was better on both validation scenes.
- Ids come from the instance and are given when a track is confirmed: no gaps, nothing shared.
- A score equal to a threshold passes it; there it belongs to neither side.
- Tentative tracks are predicted too. Without it their second box teaches them no velocity.
- A low-score box does not change the smoothed embedding: it mostly shows whoever stands in front.
- Overlap is measured in continuous coordinates, without the extra pixel of ``cython_bbox``.
- A lost track expires at the end of its last allowed frame; there it can be matched for one frame more.
- A track starts from a higher score than the one from which detections are matched first, as in ByteTrack; in
  FairMOT both are ``conf_thres``.
- Detections are sorted first, so that their order has no influence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from client.tracking import kalman
from client.tracking.assignment import Indices, assign
from client.tracking.table import State, TrackTable
from client.tracking.tracker import TrackerError
from mot.detections import Detections, Tracks
from mot.geometry import iou_matrix, xyxy_to_xyah

Array = npt.NDArray[np.float64]
Cost = Callable[[Indices, Indices], Array]

_VELOCITY, _HEIGHT = 1, 3  # row and column of a Kalman filter


@dataclass(frozen=True, kw_only=True)
class TrackerConfig:
    """Settings of :class:`FairMotTracker`; match thresholds are the largest allowed cost, 0..1."""

    conf_thres: float = 0.5  # score from which a detection starts a track
    high_thres: float = 0.3  # from here (or from conf_thres, if that is lower) detections are matched first
    low_thres: float = 0.2  # from here to high_thres they only keep tracks alive
    track_buffer: int = 30  # frames that a lost track is remembered, at 30 frames per second
    match_thres: float = 0.8  # 1 - IoU * score, or appearance where that is less
    proximity_thres: float = 0.5  # 1 - IoU up to which appearance counts there
    appearance_thres: float = 0.25  # half the cosine distance up to which it counts
    reid_thres: float = 0.2  # cosine distance, for those whom overlap did not match
    low_match_thres: float = 0.4  # 1 - IoU, with low-score detections
    tentative_thres: float = 0.7  # 1 - IoU, for people seen once
    motion_thres: float = 0.9  # 1 - IoU * score, when there are no embeddings
    duplicate_thres: float = 0.15  # 1 - IoU below which a tracked and a lost track are the same person
    feature_momentum: float = 0.9  # share of the old embedding in the smoothed one
    min_box_area: float = 100  # square pixels; smaller boxes are not shown
    max_aspect: float = 1.6  # width / height; wider boxes are not shown

    def __post_init__(self) -> None:
        unbounded = {"track_buffer", "min_box_area", "max_aspect"}
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= (np.inf if field.name in unbounded else 1):
                allowed = "at least 0" if field.name in unbounded else "between 0 and 1"
                raise TrackerError(f"{field.name} is {value}, but must be {allowed}")

    def lost_frames(self, frame_rate: float) -> int:
        """Frames that a lost track is remembered: the buffer is a time, ``track_buffer / 30`` seconds."""
        return round(self.track_buffer * frame_rate / 30)


class FairMotTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`."""

    def __init__(self, config: TrackerConfig | None = None, frame_rate: float = 30) -> None:
        if not 0 < frame_rate < np.inf:
            raise TrackerError(f"frame rate is {frame_rate}, but must be a positive number")
        self._config = config or TrackerConfig()
        self._lost_frames = self._config.lost_frames(frame_rate)
        self._frame = 0
        self._last_id = 0
        self._tracks = TrackTable.empty(0)
        self._detections = Detections.empty()  # of the current frame
        self._measured = np.zeros((0, 4))  # (N, 4) xyah of these

    def update(self, detections: Detections) -> Tracks:
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored."""
        config = self._config
        high, low = self._take(detections)
        tracks = self._tracks
        # A lost person's height is not extrapolated: a wrong trend would soon gate them out.
        tracks.motion[tracks.states == State.LOST, _VELOCITY, _HEIGHT] = 0
        tracks.motion[:] = kalman.predict(tracks.motion)

        known = np.flatnonzero(tracks.states != State.TENTATIVE)
        tentative = np.flatnonzero(tracks.states == State.TENTATIVE)
        if self._detections.embeddings.shape[1]:
            known, high = self._match(known, high, self._fused_cost, config.match_thres)
            known, high = self._match(known, high, self._appearance_cost, config.reid_thres)
        else:
            known, high = self._match(known, high, self._scored_cost, config.motion_thres)
        known = known[tracks.states[known] == State.TRACKED]
        known, _ = self._match(known, low, self._iou_cost, config.low_match_thres, learn=False)
        tracks.states[known] = State.LOST
        ghosts, high = self._match(tentative, high, self._iou_cost, config.tentative_thres)

        stays = self._frame - tracks.last_frames <= self._lost_frames
        stays[ghosts] = False
        self._tracks = tracks[stays] + self._start(high[detections.scores[high] >= config.conf_thres])
        self._drop_duplicates()
        self._give_ids()
        return self._shown()

    def _take(self, detections: Detections) -> tuple[Indices, Indices]:
        """Check the next frame's detections; return the rows of high and of low score, best first."""
        boxes, scores, embeddings = detections.boxes.astype(np.float64), detections.scores, detections.embeddings
        for name, values in (("box", boxes), ("score", scores[:, None]), ("embedding", embeddings)):
            broken = ~np.isfinite(values).all(axis=1)
            if broken.any():
                row = int(broken.argmax())
                raise TrackerError(f"detection {row}: {name} {values[row].tolist()} is not finite")
        high_thres = min(self._config.high_thres, self._config.conf_thres)
        candidate = scores >= min(self._config.low_thres, high_thres)
        inverted = candidate & (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
        if inverted.any():
            row = int(inverted.argmax())
            raise TrackerError(f"detection {row}: box {boxes[row].tolist()} is not left, top, right, bottom")
        if len(self._tracks) == 0:
            self._tracks = TrackTable.empty(embeddings.shape[1])
        elif not len(detections):
            detections = Detections.empty(self._tracks.features.shape[1])
        elif embeddings.shape[1] != self._tracks.features.shape[1]:
            raise TrackerError(
                f"embeddings have {embeddings.shape[1]} numbers, those before had {self._tracks.features.shape[1]}"
            )
        self._frame += 1
        self._detections = detections
        solid = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        self._measured = np.zeros_like(boxes)
        self._measured[solid] = xyxy_to_xyah(boxes[solid])
        order = np.lexsort((*boxes.T, -scores))
        order = order[(candidate & solid)[order]]
        is_high = scores[order] >= high_thres
        return order[is_high], order[~is_high]

    def _match(
        self, rows: Indices, found: Indices, cost: Cost, limit: float, *, learn: bool = True
    ) -> tuple[Indices, Indices]:
        """Assign detections to tracks and correct these; return the tracks and detections left over."""
        if not len(rows) or not len(found):
            return rows, found
        pairs = assign(cost(rows, found), limit)
        matched, seen = rows[pairs.rows], found[pairs.columns]
        tracks = self._tracks
        tracks.motion[matched] = kalman.update(tracks.motion[matched], self._measured[seen])
        tracks.states[matched] = State.TRACKED
        tracks.scores[matched] = self._detections.scores[seen]
        tracks.detections[matched] = seen
        tracks.last_frames[matched] = self._frame
        if learn:
            momentum = self._config.feature_momentum
            mixed = momentum * tracks.features[matched] + (1 - momentum) * self._detections.embeddings[seen]
            tracks.features[matched] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True).clip(1e-12)
        return rows[pairs.free_rows], found[pairs.free_columns]

    def _fused_cost(self, rows: Indices, found: Indices) -> Array:
        """Overlap and score, or appearance where people stand close and look alike enough: (R, C)."""
        config = self._config
        appearance = self._cosine_distance(rows, found) / 2
        counts = (self._iou_cost(rows, found) <= config.proximity_thres) & (appearance <= config.appearance_thres)
        return np.minimum(self._scored_cost(rows, found), np.where(counts, appearance, np.inf))

    def _appearance_cost(self, rows: Indices, found: Indices) -> Array:
        """Cosine distance: (R, C), inf where the motion makes it unlikely."""
        motion = kalman.squared_mahalanobis(self._tracks.motion[rows], self._measured[found])
        return np.where(motion > kalman.GATE, np.inf, self._cosine_distance(rows, found))

    def _cosine_distance(self, rows: Indices, found: Indices) -> Array:
        """(R, C), 0 to 2, of the smoothed embeddings and the new ones."""
        distance: Array = (1 - self._tracks.features[rows] @ self._detections.embeddings[found].T).clip(0)
        return distance.astype(np.float64, copy=False)

    def _scored_cost(self, rows: Indices, found: Indices) -> Array:
        """1 - IoU * score: (R, C)."""
        cost: Array = 1 - (1 - self._iou_cost(rows, found)) * self._detections.scores[found]
        return cost

    def _iou_cost(self, rows: Indices, found: Indices) -> Array:
        """1 - IoU of where a track is expected and where something was found: (R, C)."""
        found_boxes = self._detections.boxes[found].astype(np.float64)
        return 1 - iou_matrix(self._tracks[rows].boxes, found_boxes).astype(np.float64, copy=False)

    def _start(self, found: Indices) -> TrackTable:
        """New tracks; those of the first frame are shown at once, later ones when seen again."""
        return TrackTable.start(
            self._measured[found],
            self._detections.scores[found],
            self._detections.embeddings[found],
            found,
            frame=self._frame,
            state=State.TRACKED if self._frame == 1 else State.TENTATIVE,
        )

    def _drop_duplicates(self) -> None:
        """Where a visible and a lost track cover each other, the one with the shorter history goes."""
        tracks = self._tracks
        visible, lost = np.flatnonzero(tracks.states != State.LOST), np.flatnonzero(tracks.states == State.LOST)
        boxes = tracks.boxes
        same = 1 - iou_matrix(boxes[visible], boxes[lost]) < self._config.duplicate_thres
        ages = tracks.last_frames - tracks.first_frames
        older = ages[visible][:, None] > ages[lost]
        keep = np.ones(len(tracks), np.bool_)
        keep[lost[(same & older).any(axis=0)]] = False
        keep[visible[(same & ~older).any(axis=1)]] = False
        self._tracks = tracks[keep]

    def _give_ids(self) -> None:
        tracks = self._tracks
        confirmed = (tracks.ids == 0) & (tracks.states == State.TRACKED)
        tracks.ids[confirmed] = self._last_id + 1 + np.arange(confirmed.sum())
        self._last_id += int(confirmed.sum())

    def _shown(self) -> Tracks:
        """Tracks matched in this frame whose box is that of an upright person, by ascending id."""
        tracks = self._tracks[self._tracks.states == State.TRACKED]
        aspect, height = tracks.motion[:, 0, 2], tracks.motion[:, 0, 3]
        upright = (aspect > 0) & (aspect <= self._config.max_aspect)
        large = (height > 0) & (aspect * height**2 > self._config.min_box_area)
        tracks = tracks[upright & large]
        tracks = tracks[np.argsort(tracks.ids)]
        return Tracks(
            ids=tracks.ids,
            boxes=tracks.boxes.astype(np.float32),
            scores=tracks.scores,
            detections=tracks.detections,
        )
