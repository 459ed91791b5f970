"""The default tracker: overlap or embeddings, then embeddings alone, then overlap with what was hardly seen.

Found on validation data, out of known parts:

1. Confirmed and lost tracks take confident detections by the lesser of 1 - IoU * score and half the cosine
   distance of the embeddings, where the boxes overlap and the embeddings agree (BoT-SORT).
2. Tracks and detections left over are matched by embeddings alone, where the motion allows it and these agree
   closely: people come back from behind others somewhere else than expected (FairMOT's gate). Who has been lost for
   longer than that is believed comes back only where the boxes overlap *and* the embeddings agree.
3. Tracks that were seen in the last frame take weak detections by overlap, without learning their embeddings, which
   mostly show whoever stands in front (ByteTrack).
4. People seen once take confident detections by overlap; those who find none are forgotten. A detection of good
   score is shown at once.

People who take more than a step between two frames hardly overlap with themselves, and often with others. So where a
frame comes late after the one before, step 1 is by embeddings and motion together (FairMOT's cost), what is left over
is matched by overlap; step 4 is by both, too; and nobody need be seen twice, which may take seconds.

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
from client.tracking.crowd_motion import CrowdMotion
from client.tracking.motion import GATE, LEAST_RATE, STEADY_XYAH, XYWH, at_rate
from client.tracking.records import AWAY, LOST, TENTATIVE, TRACKED, Rows
from client.tracking.setting import setting
from client.tracking.table import TrackTable
from mot.detections import Detections, Tracks

_WIDER = 2  # the gate without embeddings, whose filters expect steps of shares of a width, not of a height
_FUSE_LAMBDA = 0.98  # weight of embeddings against motion, as FairMOT's


@dataclass(frozen=True, kw_only=True)
class OverlapReidConfig(TrackerConfig):
    """Settings of :class:`OverlapReidTracker`."""

    conf_thres: float = setting(0.5, "score from which a detection starts a track")
    high_thres: float = setting(0.3, "from here (or from conf_thres, if that is lower) detections are matched first")
    low_thres: float = setting(0.2, "from here to high_thres they only keep tracks alive")
    match_thres: float = setting(0.8, "the lesser of 1 - IoU * score and half the cosine distance")
    motion_thres: float = setting(0.8, "1 - IoU, where there are no embeddings")
    camera_memory: float = setting(
        30, "frames over which the camera's motion is learnt without embeddings; 0: it stands still", most=np.inf
    )
    proximity_thres: float = setting(0.5, "1 - IoU up to which embeddings count in match_thres")
    appearance_thres: float = setting(0.25, "half the cosine distance up to which they count there")
    look_thres: float = setting(0.2, "cosine distance, where embeddings alone decide")
    gate: float = setting(
        GATE, "squared Mahalanobis distance that the motion allows where embeddings alone decide", most=np.inf
    )
    away_seconds: float = setting(
        3, "seconds that a lost track is remembered, for those who come back where expected and look alike", most=np.inf
    )
    away_overlap_thres: float = setting(0.7, "1 - IoU up to which they are where expected")
    away_look_thres: float = setting(0.4, "cosine distance up to which they look alike")
    low_match_thres: float = setting(0.4, "1 - IoU, with weak detections")
    tentative_thres: float = setting(0.7, "1 - IoU, for people seen once")
    feature_momentum: float = setting(
        0.9, "share of the old embedding in the smoothed one, a frame; below 7 frames per second the same by time"
    )
    slow_step: float = setting(
        0.2, "seconds since the frame before from which embeddings decide before overlap does", most=np.inf
    )
    slow_thres: float = setting(0.5, "cosine distance, and a little of the gate's, where they do")
    sure_margin: float = setting(
        0.05, "a detection that scores so much more than conf_thres is shown at once, without min_hits"
    )
    coast: float = 0.15  # by then most are found again, or gone
    coast_hidden: float = 0.45  # most are still there
    visible_double_thres: float = 0.4
    newborn_thres: float = 0.5

    def memory(self, frame_rate: float) -> float:
        """See :meth:`client.tracking.config.TrackerConfig.memory`."""
        return max(self.patience(frame_rate), self.away_seconds * frame_rate)

    def tracker(self, frame_rate: float = 30) -> OverlapReidTracker:
        return OverlapReidTracker(self, frame_rate)


class OverlapReidTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`."""

    def __init__(self, config: OverlapReidConfig | None = None, frame_rate: float = 30) -> None:
        self._config = config or OverlapReidConfig()
        self._table = TrackTable(self._config, frame_rate, STEADY_XYAH, predict_tentative=True, margin=0)
        self._with, self._without = (at_rate(model, frame_rate) for model in (STEADY_XYAH, XYWH))
        self._momentum = self._config.feature_momentum ** max(1.0, LEAST_RATE / frame_rate)
        self._crowd = CrowdMotion(self._config.camera_memory)

    def update(
        self, detections: Detections, *, time: float | None = None, image: npt.NDArray[np.uint8] | None = None
    ) -> Tracks:
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored."""
        table, config = self._table, self._config
        high_thres = min(config.high_thres, config.conf_thres)
        table.follow(self._with if detections.embeddings is not None else self._without)
        table.take(detections, time, least_score=min(config.low_thres, high_thres))
        slow = table.seconds >= config.slow_step
        high, low = table.split(high_thres)
        known, tentative = table.rows(TRACKED, LOST), table.rows(TENTATIVE)

        if table.has_embeddings:
            known, high = self._match_by_embeddings(known, high, slow)
            high = self._match_away(high)
        else:
            table.shift(self._crowd.update(table.tracks, table.found, table.only(known, TRACKED), high))
            # Whatever is allowed is better than leaving both alone, which costs 1.
            cost = table.overlap(known, high, fused=True, far=config.motion_thres)
            known, high = table.match(known, high, cost, 1)
            if slow:
                known, high = self._match_slow(known, high)
        known = table.only(known, TRACKED)
        known, _ = table.match(known, low, table.overlap(known, low), config.low_match_thres)
        table.lose(known)
        cost = table.overlap(tentative, high)
        tentative, high = table.match(tentative, high, cost, config.tentative_thres, momentum=self._momentum)
        if slow:
            tentative, high = self._match_slow(tentative, high)
        table.drop(tentative)
        return table.finish(
            high,
            least_score=config.conf_thres,
            needed=1 if table.frame == 1 else config.min_hits,
            sure=0 if slow else config.sure_margin,
        )

    def _match_by_embeddings(self, known: Rows, high: Rows, slow: bool) -> tuple[Rows, Rows]:
        """Steps 1 and 2; returns the tracks and detections left over."""
        table, config = self._table, self._config
        if slow:
            known, high = self._match_slow(known, high)
            cost = table.overlap(known, high, fused=True)
            return table.match(known, high, cost, config.match_thres, momentum=self._momentum)
        cost = table.overlap_or_embedding(
            known, high, fused=True, far=config.proximity_thres, unlike=config.appearance_thres
        )
        known, high = table.match(known, high, cost, config.match_thres, momentum=self._momentum)
        cost = table.embedding(known, high, gate=config.gate)
        return table.match(known, high, cost, config.look_thres, momentum=self._momentum)

    def _match_away(self, high: Rows) -> Rows:
        """Those lost for long, by place and look together; returns the detections left over."""
        table, config = self._table, self._config
        if not len(high) or not len(away := table.rows(AWAY)):
            return high
        cost = table.embedding(away, high, gate=np.inf)
        cost[np.isinf(table.overlap(away, high, far=config.away_overlap_thres))] = np.inf
        return table.match(away, high, cost, config.away_look_thres, momentum=self._momentum)[1]

    def _match_slow(self, rows: Rows, columns: Rows) -> tuple[Rows, Rows]:
        """By embeddings and motion together, or by motion alone: by nearness, as far as people walk in the time."""
        table, config = self._table, self._config
        if not table.has_embeddings:
            gate = _WIDER * config.gate
            return table.match(rows, columns, table.embedding(rows, columns, gate=gate, weight=0), gate)
        cost = table.embedding(rows, columns, gate=config.gate, weight=_FUSE_LAMBDA)
        return table.match(rows, columns, cost, config.slow_thres, momentum=self._momentum)
