"""Other projects' trackers behind one small interface; those that are not installed are left out.

pip install trackers==2.6.1 pyxtrackers edgefirst-tracker
pip install --no-deps norfair==2.3.0 filterpy      # asks for numpy 1, works with 2
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mot.detections import Detections, Tracks

Update = Callable[[Any], Any]
Settings = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A tracker of another project."""

    name: str
    module: str  # that must be installed
    make: Callable[[Settings, float], Update]  # settings, frames per second
    prepare: Callable[[Detections], Any]  # its own form of detections; not part of what is timed
    tracks: Callable[[Any], Tracks] | None = None  # its answer in ours; None where only speed is compared
    space: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # its authors' ranges of settings

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module.split(".")[0]) is not None


def _supervision(detections: Detections) -> Any:
    import supervision as sv

    classes = np.zeros(len(detections), int)
    return sv.Detections(xyxy=detections.boxes.copy(), confidence=detections.scores.copy(), class_id=classes)


def _from_supervision(answer: Any) -> Tracks:
    known = answer.tracker_id >= 0 if answer.tracker_id is not None else np.zeros(0, bool)
    ids = answer.tracker_id[known].astype(np.int64) + 1 if known.size else np.zeros(0, np.int64)
    return Tracks(
        ids=ids,
        boxes=answer.xyxy[known] if known.size else np.zeros((0, 4), np.float32),
        scores=np.ones(len(ids), np.float32),
        detections=np.full(len(ids), -1),
    )


def _of_trackers(name: str, attribute: str, **fixed: Any) -> Peer:
    """One of Roboflow's; its ranges are those of its own ``search_space``."""

    def make(settings: Settings, frame_rate: float) -> Update:
        import trackers

        update: Update = getattr(trackers, attribute)(frame_rate=frame_rate, **fixed, **settings).update
        return update

    return Peer(
        name=name,
        module="trackers",
        make=make,
        prepare=_supervision,
        tracks=_from_supervision,
        space=_SPACES[attribute],
    )


_COMMON = {
    "lost_track_buffer": (10, 91),
    "track_activation_threshold": (0.1, 0.9),
    "minimum_consecutive_frames": (1, 4),
}
_STAGES = {
    "minimum_iou_threshold_first_assoc": (0.05, 0.7),
    "minimum_iou_threshold_second_assoc": (0.05, 0.7),
    "minimum_iou_threshold_unconfirmed_assoc": (0.05, 0.7),
    "high_conf_det_threshold": (0.3, 0.8),
}
_SPACES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "SORTTracker": {**_COMMON, "minimum_iou_threshold": (0.05, 0.7)},
    "ByteTrackTracker": {**_COMMON, "minimum_iou_threshold": (0.05, 0.7), "high_conf_det_threshold": (0.3, 0.8)},
    "BoTSORTTracker": {**_COMMON, **_STAGES},
    "CBIoUTracker": {**_COMMON, **_STAGES, "buffer_ratio_first": (0.0, 0.7), "buffer_ratio_second": (0.0, 0.7)},
    "OCSORTTracker": {
        "lost_track_buffer": (10, 61),
        "minimum_iou_threshold": (0.1, 0.5),
        "minimum_consecutive_frames": (3, 6),
        "direction_consistency_weight": (0.0, 0.5),
        "high_conf_det_threshold": (0.4, 0.8),
        "delta_t": (1, 4),
    },
}


def _array(detections: Detections) -> np.ndarray:
    """(N, 5) corners and score."""
    return np.column_stack([detections.boxes, detections.scores]).astype(np.float64)


def _pyx(settings: Settings, frame_rate: float) -> Update:
    from pyxtrackers import BYTETracker

    update: Update = BYTETracker(frame_rate=round(frame_rate), **settings).update
    return update


def _edgefirst(settings: Settings, frame_rate: float) -> Update:
    from edgefirst.tracker import ByteTrack

    tracker, step = ByteTrack(**settings), int(1e9 / frame_rate)
    moment = 0

    def update(found: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Any:
        nonlocal moment
        moment += step
        return tracker.update(*found, moment)

    return update


def _edgefirst_arrays(detections: Detections) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return detections.boxes.copy(), detections.scores.copy(), np.zeros(len(detections), np.uint64)


def _norfair(settings: Settings, frame_rate: float) -> Update:
    from norfair import Tracker

    update: Update = Tracker(distance_function="iou", distance_threshold=0.7, **settings).update
    return update


def _norfair_list(detections: Detections) -> Any:
    from norfair import Detection

    pairs = zip(detections.boxes.astype(float), detections.scores.astype(float), strict=True)
    return [Detection(points=box.reshape(2, 2), scores=np.full(2, score)) for box, score in pairs]


PEERS = (
    _of_trackers("trackers SORT", "SORTTracker"),
    _of_trackers("trackers ByteTrack", "ByteTrackTracker"),
    _of_trackers("trackers OC-SORT", "OCSORTTracker"),
    _of_trackers("trackers BoT-SORT", "BoTSORTTracker", enable_cmc=False),  # no images beside public detections
    _of_trackers("trackers C-BIoU", "CBIoUTracker"),
    Peer(name="norfair", module="norfair", make=_norfair, prepare=_norfair_list),
    Peer(name="pyxtrackers ByteTrack", module="pyxtrackers", make=_pyx, prepare=_array),
    Peer(name="edgefirst ByteTrack", module="edgefirst", make=_edgefirst, prepare=_edgefirst_arrays),
)
