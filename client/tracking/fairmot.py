"""FairMOT's association, and the same with BYTE's pass over weak detections.

Zhang et al., "FairMOT: On the Fairness of Detection and Re-Identification in Multiple Object Tracking", 2021
(``lib/tracker/multitracker.py``), and Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every
Detection Box", 2022 (``tutorials/fairmot/tracker``). Constants and order are theirs. Where we differ, and why:

- Ids come from the instance and are given when a track is confirmed: no gaps, nothing shared.
- A score equal to a threshold passes it; there it belongs to neither side.
- A weak detection does not change the smoothed embedding: it mostly shows whoever stands in front.
- A lost track ends with its last allowed frame; there it can be matched for one frame more. A track found again
  in just that frame stays an ordinary one; there it vanishes when it is lost the next time.
- The score shown is always that of the last detection; there it keeps an older one when a lost track is found.
- Detections are sorted first, so that their order has no influence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.tracking.config import TrackerConfig
from client.tracking.motion import GATE, XYAH
from client.tracking.records import LOST, TENTATIVE, TRACKED
from client.tracking.setting import setting
from client.tracking.table import TrackTable
from client.tracking.tracker import TrackerError
from mot.detections import Detections, Tracks


@dataclass(frozen=True, kw_only=True)
class FairMotConfig(TrackerConfig):
    """Settings of :class:`FairMotTracker`."""

    conf_thres: float = setting(0.4, "score from which a detection starts a track")
    high_thres: float = setting(0.4, "from here detections are matched by embeddings")
    low_thres: float = setting(0.4, "from here to high_thres they only keep tracks alive: none in FairMOT itself")
    match_thres: float = setting(0.4, "cost of embeddings and motion together")
    fuse_lambda: float = setting(0.98, "weight of embeddings against motion in the cost of match_thres")
    gate: float = setting(GATE, "squared Mahalanobis distance that the motion allows", most=np.inf)
    iou_thres: float = setting(0.5, "1 - IoU, for tracked people whose embeddings did not match")
    low_match_thres: float = setting(0.4, "1 - IoU, with weak detections")
    tentative_thres: float = setting(0.7, "1 - IoU, for people seen once")
    feature_momentum: float = setting(0.9, "share of the old embedding in the smoothed one")
    predict_tentative: bool = setting(False, "expect people seen once to move on before their second detection")
    iou_margin: float = setting(1, "pixels added to widths and heights for IoU, as cython_bbox does", most=np.inf)

    def tracker(self, frame_rate: float = 30) -> FairMotTracker:
        return FairMotTracker(self, frame_rate)


@dataclass(frozen=True, kw_only=True)
class FairMotByteConfig(FairMotConfig):
    """FairMOT with BYTE's pass, as ByteTrack's tutorial has it."""

    conf_thres: float = 0.5
    low_thres: float = 0.2


class FairMotTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`. Needs embeddings."""

    def __init__(self, config: FairMotConfig | None = None, frame_rate: float = 30) -> None:
        self._config = config or FairMotConfig()
        self._table = TrackTable(
            self._config,
            frame_rate,
            XYAH,
            predict_tentative=self._config.predict_tentative,
            margin=self._config.iou_margin,
        )

    def update(
        self, detections: Detections, *, time: float | None = None, image: npt.NDArray[np.uint8] | None = None
    ) -> Tracks:
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored.

        Raises:
            TrackerError: also where detections have no embeddings.
        """
        table, config = self._table, self._config
        if len(detections) and detections.embeddings is None:
            raise TrackerError("this tracker needs embeddings, and the detections have none; choose another, like byte")
        high_thres = min(config.high_thres, config.conf_thres)
        table.take(detections, time, least_score=min(config.low_thres, high_thres))
        high, low = table.split(high_thres)
        known, tentative = table.rows(TRACKED, LOST), table.rows(TENTATIVE)
        momentum = config.feature_momentum

        cost = table.embedding(known, high, gate=config.gate, weight=config.fuse_lambda)
        known, high = table.match(known, high, cost, config.match_thres, momentum=momentum)
        known = table.only(known, TRACKED)
        known, high = table.match(known, high, table.overlap(known, high), config.iou_thres, momentum=momentum)
        known, _ = table.match(known, low, table.overlap(known, low), config.low_match_thres)
        table.lose(known)
        cost = table.overlap(tentative, high)
        tentative, high = table.match(tentative, high, cost, config.tentative_thres, momentum=momentum)
        table.drop(tentative)
        return table.finish(high, least_score=config.conf_thres, needed=1 if table.frame == 1 else config.min_hits)
