"""The validation scenes, and the disguises in which each is tried: a number that one of them moves is no measure.

An exchange of two identities on one scene moves IDF1 by 5 points, so decisions are made on means over disguises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from client.detection.detector import Detector
from client.evaluation.rows import ScoredRows
from client.evaluation.scoring import Benchmark, score_rows
from client.jobs.spec import TrackerSpec
from client.tracking import TrackerConfig
from client.tracking.catalog import settings_from
from client.tuning.recording import Recording, record
from client.video.images import DEFAULT_FRAME_RATE
from client.video.open import open_source
from mot.contract import ModelSpec
from mot.frame import Frame
from mot.seqinfo import read_seqinfo
from mot.sequence import MotRows, read_ground_truth

Image = npt.NDArray[np.uint8]
DISTRACTOR = 8  # class of MOT16 and later
MEASURES = ("HOTA", "MOTA", "IDF1", "DetA", "AssA", "Rcll", "Prcn", "ID Sw.")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Frames ``first`` to ``last`` of a sequence, which the labels number from 1 in steps of ``stride``."""

    name: str
    source: str  # below the data folder
    ground_truth: str
    first: int
    last: int
    benchmark: Benchmark
    data_sets: tuple[str, ...]  # of `mot-train data shipped`, in which this place is seen
    stride: int = 1  # images are every so manieth of the sequence: 1, 1 + stride, ...
    unlabelled_below: float = 0  # pixels: lower people are mostly not labelled

    def truth(self, data: Path) -> MotRows:
        """Labels by the number of the image, from ``first`` to ``last``.

        Where low people are not labelled, who is low or marked 0 becomes a distractor: found or not, it is no error.
        """
        rows = read_ground_truth(data / self.ground_truth)
        rows = rows[(rows.frames - 1) % self.stride == 0]
        rows = replace(rows, frames=(rows.frames - 1) // self.stride + 1)
        if self.unlabelled_below:
            ignored = (rows.boxes[:, 3] < self.unlabelled_below) | (rows.scores == 0)
            rows = replace(rows, classes=np.where(ignored, DISTRACTOR, rows.classes))
        return rows.between(self.first, self.last)

    def rate(self, data: Path) -> float | None:
        """Images per second where the source would not know; None where it does."""
        info = data / self.source / "seqinfo.ini"
        return (read_seqinfo(info).frame_rate or DEFAULT_FRAME_RATE) / self.stride if self.stride > 1 else None


SCENES = {
    scene.name: scene
    for scene in (
        Scene(
            name="PETS09-S2L1",
            source="videos/vtest.avi",
            ground_truth="mot/PETS09-S2L1/gt/gt.txt",
            first=398,
            last=795,
            benchmark="MOT15",
            data_sets=("pets", "mctracker-View_006"),
        ),
        Scene(
            name="MOT17-09",
            source="mot/MOT17-09-FRCNN",
            ground_truth="mot/MOT17-09-FRCNN/gt/gt_val_half.txt",
            first=264,
            last=525,
            benchmark="MOT17",
            data_sets=("mot17-09",),
        ),
        Scene(  # a train split: of use where the model was trained without it
            name="MOT17-02",
            source="mot/MOT17-02-half",
            ground_truth="mot/MOT17-02-half/gt/gt.txt",
            first=1,
            last=75,
            stride=4,
            benchmark="MOT17",
            data_sets=("mot17-02",),
        ),
        Scene(  # the same
            name="ETH-Bahnhof",
            source="mot/ETH-Bahnhof",
            ground_truth="mot/ETH-Bahnhof/gt/gt.txt",
            first=1,
            last=84,
            stride=6,
            benchmark="MOT17",
            data_sets=("eth",),
            unlabelled_below=70,
        ),
    )
}
USUAL = ("PETS09-S2L1", "MOT17-09")  # their frames here are validation splits, whatever the model


@dataclass(frozen=True, kw_only=True)
class Disguise:
    """Another look at the same frames. Which frames it takes, ``keep`` says: places of F frames."""

    name: str
    image: Callable[[Image], Image] | None = None  # (H, W, 3) RGB; None: as it is
    keep: Callable[[int], slice] = lambda count: slice(0, count)
    mirrored: bool = False
    scale: float = 1.0  # pixels of the disguise per pixel of the original
    rate: float = 1.0  # frames per second, relative

    def undo(self, boxes: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
        """(N, 4) left, top, width, height in the disguise -> the same in the original, ``width`` pixels wide."""
        boxes = boxes / self.scale
        if self.mirrored:
            boxes[:, 0] = width - boxes[:, 0] - boxes[:, 2]
        return boxes


def _jpeg(image: Image) -> Image:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 50])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def _darker(image: Image) -> Image:
    table = (255 * (np.arange(256) / 255) ** 1.8).round().astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def _half(image: Image) -> Image:
    height, width = image.shape[:2]
    return np.asarray(cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


DISGUISES = {
    disguise.name: disguise
    for disguise in (
        Disguise(name="as is"),
        Disguise(name="later start", keep=lambda count: slice(count // 8, count)),
        Disguise(name="mirrored", image=lambda image: np.ascontiguousarray(image[:, ::-1]), mirrored=True),
        Disguise(name="JPEG 50", image=_jpeg),
        Disguise(name="gamma 1.8", image=_darker),
        Disguise(name="half rate", keep=lambda count: slice(0, count, 2), rate=0.5),
        Disguise(name="half size", image=_half, scale=0.5),
    )
}


def config_for(spec: ModelSpec, tracker: str = "overlap_reid", settings: Sequence[str] = ()) -> TrackerConfig:
    """A tracker as `mot track` would have it with this model: its thresholds, then ``KEY=VALUE`` settings."""
    chosen = TrackerSpec(name=tracker, settings=dict(settings_from(tracker, list(settings))))
    return chosen.resolved(spec.thresholds).config()


def record_scene(
    scene: Scene, data: Path, detector: Detector, disguise: Disguise, limit: int | None = None
) -> tuple[Recording, int]:
    """What the detector finds in the (first ``limit``) disguised frames; and the original's width, pixels."""
    last = scene.last if limit is None else min(scene.last, scene.first + limit - 1)
    width = 0

    def disguised(frames: Iterator[Frame]) -> Iterator[Frame]:
        nonlocal width
        for frame in frames:
            width = frame.image.shape[1]
            yield replace(frame, image=disguise.image(frame.image)) if disguise.image else frame

    with open_source(str(data / scene.source), start=scene.first, end=last) as source:
        rate = scene.rate(data) or source.frame_rate
        recording = record(disguised(iter(source)), detector, rate)
    if scene.stride > 1:
        recording = replace(recording, times=(recording.frames - 1) / rate)
    return recording, width


def taken(recording: Recording, disguise: Disguise) -> Recording:
    """The frames that a disguise takes."""
    part = disguise.keep(len(recording))
    return replace(
        recording,
        frames=recording.frames[part],
        times=recording.times[part],
        detections=recording.detections[part],
        frame_rate=recording.frame_rate * disguise.rate,
    )


def score(
    rows: MotRows, recording: Recording, scene: Scene, data: Path, disguise: Disguise, width: int
) -> dict[str, float]:
    """The measures of a tracker's rows on the recorded frames alone, in the original's pixels."""
    rows = replace(rows, boxes=disguise.undo(rows.boxes, width))
    rows = rows[rows.boxes[:, 3] >= scene.unlabelled_below]
    truth = scene.truth(data)
    truth = truth[np.isin(truth.frames, recording.frames)]
    # Both by the place of the frame among those recorded, so that frames left out are no frames.
    truth, found = (replace(one, frames=np.searchsorted(recording.frames, one.frames) + 1) for one in (truth, rows))
    scored = ScoredRows(truth=truth, found=found, first=1, last=len(recording), renumbered=False, warnings=())
    combined = score_rows({scene.name: scored}, scene.benchmark).combined
    return {measure: combined[measure] for measure in MEASURES}
