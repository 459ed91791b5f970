"""OC-SORT's association: overlap, and the course that observations, not filters, show.

Cao et al., "Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking", 2023 (``trackers/
ocsort_tracker/ocsort.py``). Constants are theirs. Where we differ, and why:

- Pairs below the IoU threshold are forbidden before the assignment, not dropped after it.
- A track that is not yet confirmed ends when it finds no detection; there it lives on unseen.
- A confirmed track is shown whenever it is found; there only after ``min_hits`` further frames in a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.tracking.config import TrackerConfig
from client.tracking.motion import XYSR
from client.tracking.records import HISTORY, LOST, TENTATIVE, TRACKED
from client.tracking.setting import setting
from client.tracking.table import TrackTable
from mot.detections import Detections, Tracks


@dataclass(frozen=True, kw_only=True)
class OcSortConfig(TrackerConfig):
    """Settings of :class:`OcSortTracker`."""

    conf_thres: float = setting(0.6, "score from which a detection is used and starts a track")
    low_thres: float = setting(0.1, "from here to conf_thres they only keep tracks alive, with use_byte")
    use_byte: bool = setting(False, "match weak detections, too")
    iou_thres: float = setting(0.7, "1 - IoU, everywhere")
    inertia: float = setting(0.2, "weight of the course against overlap")
    delta_t: int = setting(
        3, "frames between the observations that show the course", least=1, most=HISTORY - 1, whole=True
    )
    min_hits: int = 3
    duplicate_thres: float = 0  # none are dropped

    def tracker(self, frame_rate: float = 30) -> OcSortTracker:
        return OcSortTracker(self, frame_rate)


class OcSortTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`. Ignores embeddings."""

    def __init__(self, config: OcSortConfig | None = None, frame_rate: float = 30) -> None:
        self._config = config or OcSortConfig()
        self._table = TrackTable(self._config, frame_rate, XYSR, predict_tentative=True, margin=0, measured=True)

    def update(
        self, detections: Detections, *, time: float | None = None, image: npt.NDArray[np.uint8] | None = None
    ) -> Tracks:
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored."""
        table, config = self._table, self._config
        low_thres = config.low_thres if config.use_byte else config.conf_thres
        table.take(detections, time, least_score=min(low_thres, config.conf_thres), with_embeddings=False)
        high, low = table.split(config.conf_thres)
        tracks = table.rows(TENTATIVE, TRACKED, LOST)

        limit = config.iou_thres
        cost = table.course(tracks, high, inertia=config.inertia, delta_t=config.delta_t, limit=limit)
        # Whatever is allowed is better than leaving both alone, which costs 2: the course changes 1 - IoU by 0.5.
        tracks, high = table.match(tracks, high, cost, 2, rewind=True)
        tracks, low = table.match(tracks, low, table.overlap(tracks, low), limit, rewind=True)
        tracks, high = table.match(tracks, high, table.overlap(tracks, high, observed=True), limit, rewind=True)
        table.drop(table.only(tracks, TENTATIVE))
        table.lose(table.only(tracks, TRACKED))
        needed = 1 if table.frame <= config.min_hits else config.min_hits
        return table.finish(high, least_score=config.conf_thres, needed=needed)
