"""Other projects' trackers behind one small interface; those that are not installed are left out.

pip install trackers==2.6.1 pyxtrackers edgefirst-tracker
pip install --no-deps norfair==2.3.0 filterpy      # asks for numpy 1, works with 2
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
    tracks: Callable[[Any], Tracks]  # its answer in ours
    space: Mapping[str, tuple[float, float]]  # its authors' ranges of settings; ours where they give none

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module.split(".")[0]) is not None


def _supervision(detections: Detections) -> Any:
    import supervision as sv

    classes = np.zeros(len(detections), int)
    return sv.Detections(xyxy=detections.boxes.copy(), confidence=detections.scores.copy(), class_id=classes)


def _tracks(ids: Sequence[int], boxes: Any) -> Tracks:
    """By ascending id, without boxes that a filter has turned inside out."""
    names, corners = np.asarray(ids, np.int64), np.asarray(boxes, np.float32).reshape(-1, 4)
    order = np.argsort(names)
    order = order[(corners[order, 2:] > corners[order, :2]).all(axis=1)]
    return Tracks(
        ids=names[order],
        boxes=corners[order],
        scores=np.ones(len(order), np.float32),
        detections=np.full(len(order), -1),
    )


def _from_supervision(answer: Any) -> Tracks:
    if answer.tracker_id is None:
        return _tracks([], [])
    known = answer.tracker_id >= 0
    return _tracks(answer.tracker_id[known] + 1, answer.xyxy[known])


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


def _pyx_byte(settings: Settings, frame_rate: float) -> Update:
    from pyxtrackers import BYTETracker

    update: Update = BYTETracker(frame_rate=round(frame_rate), **settings).update
    return update


def _pyx_ocsort(settings: Settings, frame_rate: float) -> Update:
    from pyxtrackers import OCSort

    update: Update = OCSort(**{"det_thresh": 0.6, **settings}).update
    return update


def _from_array(answer: np.ndarray) -> Tracks:
    """(N, 5) corners and id."""
    return _tracks(answer[:, 4], answer[:, :4])


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


def _from_edgefirst(answer: Any) -> Tracks:
    shown = [track for track in answer if track is not None]
    return _tracks([int(track.uuid[:8], 16) >> 1 for track in shown], [t.tracked_location for t in shown])


def _norfair(settings: Settings, frame_rate: float) -> Update:
    from norfair import Tracker

    update: Update = Tracker(distance_function="iou", **{"distance_threshold": 0.7, **settings}).update
    return update


def _norfair_list(detections: Detections) -> Any:
    from norfair import Detection

    pairs = zip(detections.boxes.astype(float), detections.scores.astype(float), strict=True)
    return [Detection(points=box.reshape(2, 2), scores=np.full(2, score)) for box, score in pairs]


def _from_norfair(answer: Any) -> Tracks:
    return _tracks([each.id for each in answer], [each.estimate for each in answer])


PEERS = (
    _of_trackers("trackers SORT", "SORTTracker"),
    _of_trackers("trackers ByteTrack", "ByteTrackTracker"),
    _of_trackers("trackers OC-SORT", "OCSORTTracker"),
    _of_trackers("trackers BoT-SORT", "BoTSORTTracker", enable_cmc=False),  # no images beside public detections
    _of_trackers("trackers C-BIoU", "CBIoUTracker"),
    Peer(
        name="norfair",
        module="norfair",
        make=_norfair,
        prepare=_norfair_list,
        tracks=_from_norfair,
        space={
            "distance_threshold": (0.3, 0.95),
            "hit_counter_max": (5, 91),
            "initialization_delay": (0, 4),
            "detection_threshold": (0.0, 0.8),
        },
    ),
    Peer(
        name="pyxtrackers ByteTrack",
        module="pyxtrackers",
        make=_pyx_byte,
        prepare=_array,
        tracks=_from_array,
        space={"track_thresh": (0.1, 0.9), "match_thresh": (0.3, 0.95), "track_buffer": (10, 91)},
    ),
    Peer(
        name="pyxtrackers OC-SORT",
        module="pyxtrackers",
        make=_pyx_ocsort,
        prepare=_array,
        tracks=_from_array,
        space={
            "det_thresh": (0.1, 0.9),
            "max_age": (10, 91),
            "min_hits": (1, 4),
            "iou_threshold": (0.05, 0.5),
            "delta_t": (1, 4),
            "inertia": (0.0, 0.5),
        },
    ),
    Peer(
        name="edgefirst ByteTrack",
        module="edgefirst",
        make=_edgefirst,
        prepare=_edgefirst_arrays,
        tracks=_from_edgefirst,
        space={
            "high_conf": (0.1, 0.9),
            "iou": (0.05, 0.7),
            "update": (0.1, 0.9),
            "lifespan_ns": (300_000_000, 3_000_000_000),
        },
    ),
)
