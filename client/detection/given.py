"""Detections that a file gives, in place of a network: a benchmark's public ones, or another detector's."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import numpy as np

from client.pipeline.stages import Stages
from client.pipeline.tracked import TrackedFrame
from client.tracking.tracker import Tracker
from client.video.images import SEQINFO, assumed_frame_rate
from client.video.source import Source, Window
from mot.detections import Detections
from mot.frame import Frame
from mot.geometry import xywh_to_xyxy
from mot.sequence import SequenceError, read_detections, read_seqinfo


class GivenDetections:
    """The rows of a ``det.txt``, frame by frame.

    Scores are the file's. Detectors differ (FRCNN's of MOT17 are nearly all 1, DPM's may be negative), so the
    tracker's thresholds must be chosen for them.
    """

    def __init__(self, path: Path) -> None:
        """Read ``frame,-1,left,top,width,height,score``; the rows may come in any order.

        Raises:
            SequenceError: the file cannot be read or a line is malformed.
        """
        self.path = path
        rows = read_detections(path)
        rows = rows[np.lexsort((-rows.scores, rows.frames))]
        self._frames = rows.frames
        self._all = Detections(
            boxes=xywh_to_xyxy(rows.boxes).astype(np.float32),
            scores=rows.scores.astype(np.float32),
            embeddings=np.zeros((len(rows), 0), np.float32),
        )

    @property
    def last_frame(self) -> int:
        """The last frame with a detection; 0 where there is none."""
        return int(self._frames[-1]) if len(self._frames) else 0

    def check_length(self, length: int) -> None:
        """Raise :class:`SequenceError` where there are detections beyond a sequence of ``length`` frames."""
        if self.last_frame > length:
            raise SequenceError(
                f"{self.path}: has detections in frame {self.last_frame}, but the sequence has {length} frames; "
                "give the detections of this sequence"
            )

    def at(self, frame: int) -> Detections:
        """Those of one frame, counted from 1: boxes in pixels of the original image, best score first."""
        first, behind = np.searchsorted(self._frames, [frame, frame + 1])
        return self._all[first:behind]


class BlankFrames(Source):
    """Frames without pixels, for who needs none: image is (0, 0, 3)."""

    live = False

    def __init__(self, name: str, *, first: int, last: int, frame_rate: float) -> None:
        self.name, self.frame_rate = name, frame_rate
        self.frame_count: int | None = max(0, last - first + 1)
        self._indices = range(first, last + 1)

    def __iter__(self) -> Iterator[Frame]:
        image = np.zeros((0, 0, 3), np.uint8)
        for index in self._indices:
            yield Frame(index=index, image=image, time=(index - 1) / self.frame_rate)

    def close(self) -> None:
        """Nothing is held."""


def open_blank(folder: Path, given: GivenDetections, start: int = 1, end: int | None = None) -> BlankFrames:
    """The frames of a sequence whose images need not be there, as its ``seqinfo.ini`` counts them.

    Without one, frames end with the last that has a detection, at the sequence's published rate, else 30 a second.

    Raises:
        SequenceError: ``seqinfo.ini`` is malformed, or there are detections beyond its frames.
        VideoError: the sequence ends before ``start``.
    """
    folder = folder.resolve()
    if (folder / SEQINFO).is_file():
        info = read_seqinfo(folder / SEQINFO)
        name, frame_rate, length = info.name, info.frame_rate, info.length
        given.check_length(length)
    else:
        name, frame_rate, length = folder.name, assumed_frame_rate(folder), given.last_frame
    window = Window(start=start, end=end)
    window.check(str(folder), length)
    return BlankFrames(name, first=start, last=start + window.count(length) - 1, frame_rate=frame_rate)


def associate(
    frames: Iterable[Frame], given: GivenDetections, tracker: Tracker, stages: Stages
) -> Generator[TrackedFrame, None, None]:
    """Give each frame with its tracks, as :func:`client.pipeline.track.track` does with a network.

    Raises:
        MotError: the source of frames failed.
    """
    source = iter(frames)
    while True:
        with stages.measure("decode"):
            frame = next(source, None)
        if frame is None:
            return
        with stages.measure("associate"):
            image = frame.image if frame.image.size else None
            detections = given.at(frame.index)
            tracks = tracker.update(detections, time=frame.time, image=image)
        stages.frames += 1
        yield TrackedFrame(frame=frame, tracks=tracks, detections=detections)
