"""The default tracker: overlap or looks, then looks alone, then overlap with what was hardly seen.

Found on validation data, out of known parts:

1. Confirmed and lost tracks take confident detections by the lesser of 1 - IoU * score and half the cosine
   distance of the embeddings, where the boxes overlap and the looks agree (BoT-SORT).
2. Tracks and detections left over are matched by looks alone, where the motion allows it and the looks agree
   closely: people come back from behind others somewhere else than expected (FairMOT's gate).
3. Tracks that were seen in the last frame take weak detections by overlap, without learning their looks, which
   mostly show whoever stands in front (ByteTrack).
4. People seen once take confident detections by overlap; those who find none are forgotten.

Without embeddings, step 2 is left out, and step 1 is overlap alone, with three differences: its limit is one of
IoU, not of IoU * score, so that it means the same for a detector that is sure and for one that is not; filters
follow widths, as BoT-SORT's, which foretell boxes better; and the camera's motion is taken from the people
(:mod:`client.tracking.crowd_motion`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.tracking.config import TrackerConfig
from client.tracking.costs import Rows
from client.tracking.crowd_motion import CrowdMotion
from client.tracking.engine import Engine
from client.tracking.motion import GATE, STEADY_XYAH, XYWH
from client.tracking.records import LOST, TENTATIVE, TRACKED
from mot.detections import Detections, Tracks


@dataclass(frozen=True, kw_only=True)
class OverlapReidConfig(TrackerConfig):
    """Settings of :class:`OverlapReidTracker`."""

    conf_thres: float = 0.5  # score from which a detection starts a track
    high_thres: float = 0.3  # from here (or from conf_thres, if that is lower) detections are matched first
    low_thres: float = 0.2  # from here to high_thres they only keep tracks alive
    match_thres: float = 0.8  # overlap or looks
    motion_thres: float = 0.8  # 1 - IoU, where there are no looks
    camera_memory: float = 30  # frames over which the camera's motion is learnt there; 0: it stands still
    proximity_thres: float = 0.5  # 1 - IoU up to which looks count there
    appearance_thres: float = 0.25  # half the cosine distance up to which looks count there
    look_thres: float = 0.2  # cosine distance, looks alone
    gate: float = GATE  # squared Mahalanobis distance that the motion allows there
    low_match_thres: float = 0.4  # 1 - IoU, with weak detections
    tentative_thres: float = 0.7  # 1 - IoU, for people seen once
    feature_momentum: float = 0.9  # share of the old embedding in the smoothed one
    coast: float = 3  # frames that a lost track is still shown: most are found again by then
    coast_still: float = 10  # the same for those who stood: most are still there, behind somebody else

    def tracker(self, frame_rate: float = 30) -> OverlapReidTracker:
        return OverlapReidTracker(self, frame_rate)


class OverlapReidTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`."""

    def __init__(self, config: OverlapReidConfig | None = None, frame_rate: float = 30) -> None:
        self._config = config or OverlapReidConfig()
        self._engine = Engine(self._config, frame_rate, STEADY_XYAH, predict_tentative=True, margin=0)
        self._crowd = CrowdMotion(self._config.camera_memory)

    def update(
        self, detections: Detections, *, time: float | None = None, image: npt.NDArray[np.uint8] | None = None
    ) -> Tracks:
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored."""
        engine, config = self._engine, self._config
        high_thres = min(config.high_thres, config.conf_thres)
        engine.follow(STEADY_XYAH if detections.embeddings.shape[1] else XYWH)
        engine.take(detections, time, least_score=min(config.low_thres, high_thres))
        high, low = engine.split(high_thres)
        known, tentative = engine.rows(TRACKED, LOST), engine.rows(TENTATIVE)

        if engine.looks:
            known, high = self._match_by_looks(known, high)
        else:
            engine.shift(self._crowd.update(engine.tracks, engine.found, engine.only(known, TRACKED), high))
            # Whatever is allowed is better than leaving both alone, which costs 1.
            cost = engine.overlap(known, high, fused=True, far=config.motion_thres)
            known, high = engine.match(known, high, cost, 1)
        known = engine.only(known, TRACKED)
        known, _ = engine.match(known, low, engine.overlap(known, low), config.low_match_thres)
        engine.lose(known)
        cost = engine.overlap(tentative, high)
        tentative, high = engine.match(tentative, high, cost, config.tentative_thres, momentum=config.feature_momentum)
        engine.drop(tentative)
        return engine.finish(high, least_score=config.conf_thres, needed=1 if engine.frame == 1 else config.min_hits)

    def _match_by_looks(self, known: Rows, high: Rows) -> tuple[Rows, Rows]:
        """Steps 1 and 2; returns the tracks and detections left over."""
        engine, config = self._engine, self._config
        cost = engine.overlap_or_look(
            known, high, fused=True, far=config.proximity_thres, unlike=config.appearance_thres
        )
        known, high = engine.match(known, high, cost, config.match_thres, momentum=config.feature_momentum)
        cost = engine.look(known, high, gate=config.gate)
        return engine.match(known, high, cost, config.look_thres, momentum=config.feature_momentum)
