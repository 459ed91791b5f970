"""BoT-SORT's association: overlap or embeddings, on filters of width and height that follow the camera.

Aharon et al., "BoT-SORT: Robust Associations Multi-Pedestrian Tracking", 2022 (``tracker/bot_sort.py``).
Constants and order are theirs; where we differ is listed in :mod:`client.tracking.fairmot`, and of the
camera's motion in :func:`client.tracking.motion.shift`. Without embeddings, overlap alone decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.tracking.camera_motion import CameraMotion
from client.tracking.config import TrackerConfig
from client.tracking.costs import Cost
from client.tracking.motion import XYWH
from client.tracking.records import LOST, TENTATIVE, TRACKED, Rows
from client.tracking.setting import setting
from client.tracking.table import TrackTable
from mot.detections import Detections, Tracks


@dataclass(frozen=True, kw_only=True)
class BotSortConfig(TrackerConfig):
    """Settings of :class:`BotSortTracker`."""

    conf_thres: float = setting(0.7, "score from which a detection starts a track")
    high_thres: float = setting(0.6, "from here detections are matched first")
    low_thres: float = setting(0.1, "from here to high_thres they only keep tracks alive")
    match_thres: float = setting(0.8, "the lesser of 1 - IoU * score and half the cosine distance")
    proximity_thres: float = setting(0.5, "1 - IoU up to which embeddings count")
    appearance_thres: float = setting(0.25, "half the cosine distance up to which embeddings count")
    low_match_thres: float = setting(0.5, "1 - IoU, with weak detections")
    tentative_thres: float = setting(0.7, "the same as match_thres, for people seen once")
    fuse_score: bool = setting(True, "1 - IoU * score; without it, 1 - IoU alone (BoT-SORT's --mot20)")
    feature_momentum: float = setting(0.9, "share of the old embedding in the smoothed one")
    camera_motion: bool = setting(True, "follow the camera, where images are given")
    predict_tentative: bool = setting(False, "expect people seen once to move on before their second detection")
    iou_margin: float = setting(1, "pixels added to widths and heights for IoU, as cython_bbox does", most=np.inf)

    def tracker(self, frame_rate: float = 30) -> BotSortTracker:
        return BotSortTracker(self, frame_rate)

    @property
    def needs_images(self) -> bool:
        return self.camera_motion


class BotSortTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`."""

    def __init__(self, config: BotSortConfig | None = None, frame_rate: float = 30) -> None:
        self._config = config or BotSortConfig()
        self._camera = CameraMotion() if self._config.camera_motion else None
        self._table = TrackTable(
            self._config,
            frame_rate,
            XYWH,
            predict_tentative=self._config.predict_tentative,
            margin=self._config.iou_margin,
        )

    def update(
        self, detections: Detections, *, time: float | None = None, image: npt.NDArray[np.uint8] | None = None
    ) -> Tracks:
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored."""
        table, config = self._table, self._config
        high_thres = min(config.high_thres, config.conf_thres)
        table.take(detections, time, least_score=min(config.low_thres, high_thres))
        if self._camera and image is not None:
            table.shift(self._camera.update(image))
        high, low = table.split(high_thres)
        known, tentative = table.rows(TRACKED, LOST), table.rows(TENTATIVE)
        momentum = config.feature_momentum

        known, high = table.match(known, high, self._cost(known, high), config.match_thres, momentum=momentum)
        known = table.only(known, TRACKED)
        known, _ = table.match(known, low, table.overlap(known, low), config.low_match_thres)
        table.lose(known)
        cost = self._cost(tentative, high)
        tentative, high = table.match(tentative, high, cost, config.tentative_thres, momentum=momentum)
        table.drop(tentative)
        return table.finish(high, least_score=config.conf_thres, needed=1 if table.frame == 1 else config.min_hits)

    def _cost(self, rows: Rows, columns: Rows) -> Cost:
        config = self._config
        return self._table.overlap_or_embedding(
            rows, columns, fused=config.fuse_score, far=config.proximity_thres, unlike=config.appearance_thres
        )
