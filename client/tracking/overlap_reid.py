"""The default tracker: overlap or looks, then looks alone, then overlap with what was hardly seen.

Found on validation data, out of known parts:

1. Confirmed and lost tracks take confident detections by the lesser of 1 - IoU * score and half the cosine
   distance of the embeddings, where the boxes overlap and the looks agree (BoT-SORT).
2. Tracks and detections left over are matched by looks alone, where the motion allows it and the looks agree
   closely: people come back from behind others somewhere else than expected (FairMOT's gate).
3. Tracks that were seen in the last frame take weak detections by overlap, without learning their looks, which
   mostly show whoever stands in front (ByteTrack).
4. People seen once take confident detections by overlap; those who find none are forgotten.

Without embeddings, steps 1 and 3 are ByteTrack's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.tracking.config import TrackerConfig
from client.tracking.engine import Engine
from client.tracking.motion import GATE, XYAH
from client.tracking.records import LOST, TENTATIVE, TRACKED
from mot.detections import Detections, Tracks


@dataclass(frozen=True, kw_only=True)
class OverlapReidConfig(TrackerConfig):
    """Settings of :class:`OverlapReidTracker`."""

    conf_thres: float = 0.5  # score from which a detection starts a track
    high_thres: float = 0.3  # from here (or from conf_thres, if that is lower) detections are matched first
    low_thres: float = 0.2  # from here to high_thres they only keep tracks alive
    match_thres: float = 0.8  # overlap or looks
    proximity_thres: float = 0.5  # 1 - IoU up to which looks count there
    appearance_thres: float = 0.25  # half the cosine distance up to which looks count there
    look_thres: float = 0.2  # cosine distance, looks alone
    gate: float = GATE  # squared Mahalanobis distance that the motion allows there
    low_match_thres: float = 0.4  # 1 - IoU, with weak detections
    tentative_thres: float = 0.7  # 1 - IoU, for people seen once
    feature_momentum: float = 0.9  # share of the old embedding in the smoothed one
    coast: float = 3  # frames that a lost track is still shown: most are found again by then

    def tracker(self, frame_rate: float = 30) -> OverlapReidTracker:
        return OverlapReidTracker(self, frame_rate)


class OverlapReidTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`."""

    def __init__(self, config: OverlapReidConfig | None = None, frame_rate: float = 30) -> None:
        self._config = config or OverlapReidConfig()
        self._engine = Engine(self._config, frame_rate, XYAH, predict_tentative=True, margin=0)

    def update(
        self, detections: Detections, *, time: float | None = None, image: npt.NDArray[np.uint8] | None = None
    ) -> Tracks:
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored."""
        engine, config = self._engine, self._config
        high_thres = min(config.high_thres, config.conf_thres)
        engine.take(detections, time, least_score=min(config.low_thres, high_thres))
        high, low = engine.split(high_thres)
        known, tentative = engine.rows(TRACKED, LOST), engine.rows(TENTATIVE)

        cost = engine.overlap_or_look(
            known, high, fused=True, far=config.proximity_thres, unlike=config.appearance_thres
        )
        known, high = engine.match(known, high, cost, config.match_thres, momentum=config.feature_momentum)
        if engine.looks:
            cost = engine.look(known, high, gate=config.gate)
            known, high = engine.match(known, high, cost, config.look_thres, momentum=config.feature_momentum)
        known = engine.only(known, TRACKED)
        known, _ = engine.match(known, low, engine.overlap(known, low), config.low_match_thres)
        engine.lose(known)
        cost = engine.overlap(tentative, high)
        tentative, high = engine.match(tentative, high, cost, config.tentative_thres, momentum=config.feature_momentum)
        engine.drop(tentative)
        return engine.finish(high, least_score=config.conf_thres, needed=1 if engine.frame == 1 else config.min_hits)
