"""What a user puts together in an afternoon without any training: published detectors with published trackers.

YOLOX-nano and RTMDet-nano as ONNX files (``models/`` of the data folder) with ByteTrack and BoT-SORT of the package
``trackers``, without camera motion. Each pair has one setting for all scenes: the best of a small grid by the mean of
the scenes as they are, measured in the same run, which favours the peer.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from association_peers import PEERS, Peer, Settings

from client.detection.onnx import available_cores
from client.tuning.recording import Recording, replay
from mot.detections import Detections, Tracks
from mot.frame import Frame
from mot.sequence import MotRows

GRID = {
    "track_activation_threshold": (0.3, 0.4, 0.5, 0.6, 0.7),
    "high_conf_det_threshold": (0.3, 0.4, 0.5, 0.6),
}
SETTINGS = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
TRACKERS: Mapping[str, Peer] = {
    peer.name.removeprefix("trackers "): peer
    for peer in PEERS
    if peer.name in ("trackers ByteTrack", "trackers BoT-SORT")
}
_FLOOR = 0.05  # scores below are nobody


class PublishedDetector(ABC):
    """One ONNX file behind its own preparation of images; see :class:`client.detection.detector.Detector`."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._workers = ThreadPoolExecutor(available_cores())

    def submit(self, frame: Frame) -> Future[Detections]:
        return self._workers.submit(self._find, frame.image)

    def close(self) -> None:
        self._workers.shutdown()

    @abstractmethod
    def find(self, image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """(H, W, 3) RGB -> boxes (N, 4) xyxy in its pixels, scores (N,)."""

    def _find(self, image: npt.NDArray[np.uint8]) -> Detections:
        boxes, scores = self.find(image)
        order = np.argsort(-scores, kind="stable")
        return Detections(boxes=boxes[order], scores=scores[order])

    def _fit(self, image: npt.NDArray[np.uint8], width: int, height: int) -> tuple[npt.NDArray[np.float32], float]:
        """(height, width, 3) BGR with the image in its upper left corner on 114, and its scale."""
        ratio = min(width / image.shape[1], height / image.shape[0])
        size = round(image.shape[1] * ratio), round(image.shape[0] * ratio)
        out = np.full((height, width, 3), 114, np.float32)
        out[: size[1], : size[0]] = cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_LINEAR)
        return out, ratio

    def _run(self, image: npt.NDArray[np.float32]) -> Any:
        return self._session.run(None, {self._input: np.ascontiguousarray(image.transpose(2, 0, 1)[None])})[0][0]


class Yolox(PublishedDetector):
    """YOLOX-nano at 416x416, decoded as YOLOX's ``yolox/utils/demo_utils.py`` does; suppression at IoU 0.65."""

    _SIDE = 416

    def find(self, image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        small, ratio = self._fit(image, self._SIDE, self._SIDE)
        rows = self._run(small)  # (cells, 85) of strides 8, 16, 32: centre and size, objectness, classes
        sides = [self._SIDE // stride for stride in (8, 16, 32)]
        grid = np.concatenate([np.stack(np.mgrid[:side, :side][::-1], axis=-1).reshape(-1, 2) for side in sides])
        stride = np.concatenate([np.full((side**2, 1), self._SIDE // side) for side in sides])
        scores = rows[:, 4] * rows[:, 5]  # of a person
        seen = scores >= _FLOOR
        size = np.exp(rows[seen, 2:4]) * stride[seen]
        corner = (rows[seen, :2] + grid[seen]) * stride[seen] - size / 2
        boxes, scores = np.concatenate([corner, size], axis=1), scores[seen]
        kept = np.array(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), _FLOOR, 0.65), np.int64).reshape(-1)
        boxes = np.concatenate([boxes[kept, :2], boxes[kept, :2] + boxes[kept, 2:]], axis=1)
        return (boxes / ratio).astype(np.float32), scores[kept].astype(np.float32)


class RtmDet(PublishedDetector):
    """RTMDet-nano at 640x352; decoding and suppression are in the file, mean and deviation are MMDetection's."""

    _MEAN = np.array([103.53, 116.28, 123.675], np.float32)
    _DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)

    def find(self, image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        small, ratio = self._fit(image, 640, 352)
        rows = self._run((small - self._MEAN) / self._DEVIATION)
        rows = rows[rows[:, 4] >= _FLOOR]
        return (rows[:, :4] / ratio).astype(np.float32), rows[:, 4].astype(np.float32)


DETECTORS: Mapping[str, tuple[str, Callable[[Path], PublishedDetector]]] = {
    "YOLOX-nano 416": ("models/yolox_nano_416x416.onnx", Yolox),
    "RTMDet-nano 640x352": ("models/rtmdet_nano_person.onnx", RtmDet),
}


class _Adapter:
    """A peer's tracker behind ours' benchmark."""

    def __init__(self, peer: Peer, settings: Settings, frame_rate: float) -> None:
        self._peer, self._update = peer, peer.make(settings, frame_rate)

    def update(self, detections: Detections, **_: object) -> Tracks:
        return self._peer.tracks(self._update(self._peer.prepare(detections)))


def follow(recording: Recording, tracker: str, settings: Settings) -> MotRows:
    """The rows that a peer's tracker makes of a recording."""
    return replay(recording, _Adapter(TRACKERS[tracker], settings, recording.frame_rate))
