"""ByteTrack's association: overlap alone, first with confident, then with weak detections.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", 2022 (``yolox/tracker/
byte_tracker.py``). Constants and order are theirs; where we differ is listed in :mod:`client.tracking.fairmot`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.tracking.config import TrackerConfig
from client.tracking.motion import XYAH
from client.tracking.records import LOST, TENTATIVE, TRACKED
from client.tracking.setting import setting
from client.tracking.table import TrackTable
from mot.detections import Detections, Tracks


@dataclass(frozen=True, kw_only=True)
class ByteConfig(TrackerConfig):
    """Settings of :class:`ByteTracker`."""

    conf_thres: float = setting(0.7, "score from which a detection starts a track")
    high_thres: float = setting(0.6, "from here detections are matched first")
    low_thres: float = setting(0.1, "from here to high_thres they only keep tracks alive")
    match_thres: float = setting(0.9, "1 - IoU * score")
    low_match_thres: float = setting(0.5, "1 - IoU, with weak detections")
    tentative_thres: float = setting(0.7, "1 - IoU * score, for people seen once")
    fuse_score: bool = setting(True, "1 - IoU * score; without it, 1 - IoU alone (ByteTrack's --mot20)")
    predict_tentative: bool = setting(False, "expect people seen once to move on before their second detection")
    iou_margin: float = setting(1, "pixels added to widths and heights for IoU, as cython_bbox does", most=np.inf)

    def tracker(self, frame_rate: float = 30) -> ByteTracker:
        return ByteTracker(self, frame_rate)


class ByteTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`. Ignores embeddings."""

    def __init__(self, config: ByteConfig | None = None, frame_rate: float = 30) -> None:
        self._config = config or ByteConfig()
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
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored."""
        table, config = self._table, self._config
        high_thres = min(config.high_thres, config.conf_thres)
        table.take(detections, time, least_score=min(config.low_thres, high_thres), with_embeddings=False)
        high, low = table.split(high_thres)
        known, tentative = table.rows(TRACKED, LOST), table.rows(TENTATIVE)

        cost = table.overlap(known, high, fused=config.fuse_score)
        known, high = table.match(known, high, cost, config.match_thres)
        known = table.only(known, TRACKED)
        known, _ = table.match(known, low, table.overlap(known, low), config.low_match_thres)
        table.lose(known)
        cost = table.overlap(tentative, high, fused=config.fuse_score)
        tentative, high = table.match(tentative, high, cost, config.tentative_thres)
        table.drop(tentative)
        return table.finish(high, least_score=config.conf_thres, needed=1 if table.frame == 1 else config.min_hits)
