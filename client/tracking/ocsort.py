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
from client.tracking.engine import Engine
from client.tracking.motion import XYSR
from client.tracking.records import LOST, TENTATIVE, TRACKED
from client.tracking.tracker import TrackerError
from mot.detections import Detections, Tracks


@dataclass(frozen=True, kw_only=True)
class OcSortConfig(TrackerConfig):
    """Settings of :class:`OcSortTracker`."""

    conf_thres: float = 0.6  # score from which a detection is used and starts a track
    low_thres: float = 0.1  # from here to conf_thres they only keep tracks alive, with use_byte
    use_byte: bool = False  # match weak detections, too
    iou_thres: float = 0.7  # 1 - IoU, everywhere
    inertia: float = 0.2  # weight of the course against overlap
    delta_t: int = 3  # frames between the observations that show the course
    min_hits: int = 3
    duplicate_thres: float = 0  # none are dropped

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.delta_t > 5:
            raise TrackerError(f"delta_t is {self.delta_t}, but only the last 5 observations are remembered")

    def tracker(self, frame_rate: float = 30) -> OcSortTracker:
        return OcSortTracker(self, frame_rate)


class OcSortTracker:
    """Follows people through one video; see :class:`client.tracking.tracker.Tracker`. Ignores embeddings."""

    def __init__(self, config: OcSortConfig | None = None, frame_rate: float = 30) -> None:
        self._config = config or OcSortConfig()
        self._engine = Engine(self._config, frame_rate, XYSR, predict_tentative=True, margin=0)

    def update(
        self, detections: Detections, *, time: float | None = None, image: npt.NDArray[np.uint8] | None = None
    ) -> Tracks:
        """See :meth:`client.tracking.tracker.Tracker.update`; boxes without area are ignored."""
        engine, config = self._engine, self._config
        low_thres = config.low_thres if config.use_byte else config.conf_thres
        engine.take(detections, time, least_score=min(low_thres, config.conf_thres), with_looks=False)
        high, low = engine.split(config.conf_thres)
        tracks = engine.rows(TENTATIVE, TRACKED, LOST)

        limit = config.iou_thres
        cost = engine.course(tracks, high, inertia=config.inertia, delta_t=config.delta_t, limit=limit)
        # Whatever is allowed is better than leaving both alone, which costs 2: the course changes 1 - IoU by 0.5.
        tracks, high = engine.match(tracks, high, cost, 2, rewind=True)
        tracks, low = engine.match(tracks, low, engine.overlap(tracks, low), limit, rewind=True)
        tracks, high = engine.match(tracks, high, engine.overlap(tracks, high, observed=True), limit, rewind=True)
        engine.drop(engine.only(tracks, TENTATIVE))
        engine.lose(engine.only(tracks, TRACKED))
        needed = 1 if engine.frame <= config.min_hits else config.min_hits
        return engine.finish(high, least_score=config.conf_thres, needed=needed, measured=True)
