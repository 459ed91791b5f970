"""A result drawn anew: another look for the same rows, without the network."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from threading import Event

import numpy as np

from client.jobs.spec import JobSpec
from client.jobs.tracking import JobStoppedError
from client.outputs.background import in_background
from client.outputs.draw import ResultRows
from client.outputs.render import RenderConfig, Renderer
from client.outputs.video import VideoSink
from client.pipeline.stages import Stages
from client.pipeline.tracked import TrackedFrame
from client.ui.results import ROWS
from client.ui.rows import read_rows
from client.ui.work.summary import FOUND, read_found
from client.ui.work.watching import JobWatch
from client.video.open import open_source
from mot.detections import Detections

_KEPT = ("result.txt", "result.json", ROWS, FOUND)


def draw(spec: JobSpec, before: Path, watch: JobWatch, stop: Event) -> int:
    """Draw the rows of ``before``, an earlier attempt's folder, as ``spec`` says; returns the number of frames.

    Raises:
        JobStoppedError: ``stop`` was set.
        MotError: the video cannot be read any more, or written.
    """
    rows = ResultRows(read_rows(before / ROWS))
    found = read_found(before / FOUND)
    look = RenderConfig(labels=spec.labels, caption=spec.caption, trail=spec.trail, anonymise=spec.anonymise)
    with closing(open_source(spec.input, spec.start, spec.end)) as source:
        watch.opened(source)
        sound = source.sound if spec.audio else None
        sink = VideoSink(spec.video_path, frame_rate=source.frame_rate, renderer=Renderer(look), sound=sound)
        with in_background([sink], Stages()) as write:
            for number, frame in enumerate(source):
                if stop.is_set():
                    raise JobStoppedError(f"{source.name}: stopped after {watch.frames} frames")
                seen = _detections(found[number]) if number < len(found) else Detections.empty()
                tracked = TrackedFrame(frame=frame, tracks=rows.at(frame.index), detections=seen)
                write(tracked)
                watch.frame(tracked)
    for name in _KEPT:
        if (before / name).exists():
            shutil.copy2(before / name, spec.output / name)
    return watch.frames


def _detections(boxes: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Detections:
    """Boxes of people who were found, however sure the network was."""
    return Detections(boxes=boxes, scores=np.ones(len(boxes), np.float32))
