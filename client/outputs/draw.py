"""Results drawn into their video: refined ones, a foreign tracker's, labels."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from client.outputs.background import in_background
from client.outputs.render import RenderConfig, Renderer
from client.outputs.sink import SinkError
from client.outputs.video import VideoSink
from client.pipeline.stages import Stages
from client.pipeline.tracked import TrackedFrame
from client.video.source import Source
from mot.detections import Detections, Tracks
from mot.geometry import xywh_to_xyxy
from mot.sequence import MotRows

log = logging.getLogger(__name__)


def draw_results(
    source: Source,
    rows: MotRows,
    path: Path,
    *,
    rows_path: Path,
    audio: bool = True,
    anonymise: bool = False,
    watch: Callable[[], None] = lambda: None,
) -> int:
    """Write the source's video with the boxes of ``rows`` drawn; returns the number of frames.

    Args:
        rows: frames as the source counts them, boxes in pixels of its frames as they are decoded.
        path: the MP4; it appears whole or not at all.
        rows_path: where the rows are from, for messages.
        audio: copy the source's sound.
        anonymise: blur the heads of the people in ``rows``; of others nothing is known.
        watch: called after each frame.

    Raises:
        MotError: the source cannot be read, or the video cannot be written.
    """
    by_frame = ResultRows(rows)
    sound = source.sound if audio else None
    renderer = Renderer(RenderConfig(anonymise=anonymise))
    sink = VideoSink(path, frame_rate=source.frame_rate, renderer=renderer, sound=sound)
    frames = drawn = last = 0
    with in_background([sink], Stages()) as write:
        for frame in source:
            tracks = by_frame.at(frame.index)
            frames, drawn, last = frames + 1, drawn + len(tracks), frame.index
            write(TrackedFrame(frame=frame, tracks=tracks, detections=Detections.empty()))
            watch()
    if not len(rows):
        log.warning("%s: holds no row; nothing is drawn", rows_path)
    elif not drawn:
        log.warning("%s: no row is of a frame that was read; are these results of another video?", rows_path)
    elif (beyond := int((rows.frames > last).sum())) and frames == source.frame_count:
        log.warning("%s: %d rows are of frames behind the last, %d, and were not drawn", rows_path, beyond, last)
    return frames


def check_output(path: Path, inputs: list[Path], *, overwrite: bool) -> None:
    """Raise :class:`SinkError` where a file is in the way, or would be its own input."""
    if any(path.exists() and one.exists() and path.samefile(one) for one in inputs):
        raise SinkError(f"{path}: the result would replace its own input; choose another --output")
    if path.exists() and not overwrite:
        raise SinkError(f"{path}: is there already; choose another --output, or replace it with --overwrite")


class ResultRows:
    """Rows by frame, as tracks."""

    def __init__(self, rows: MotRows) -> None:
        rows = rows[np.lexsort((rows.ids, rows.frames))]
        self._frames, self._ids = rows.frames, rows.ids
        self._boxes = xywh_to_xyxy(rows.boxes).astype(np.float32)
        self._scores = rows.scores.astype(np.float32)

    def at(self, frame: int) -> Tracks:
        """Those of one frame, counted from 1."""
        first, behind = np.searchsorted(self._frames, [frame, frame + 1])
        return Tracks(
            ids=self._ids[first:behind],
            boxes=self._boxes[first:behind],
            scores=self._scores[first:behind],
            detections=np.full(behind - first, -1, np.int64),
        )
