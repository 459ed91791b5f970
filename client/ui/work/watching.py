"""What a worker notes while a job runs: progress, a picture to look at, and portraits of the people found."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from client.jobs.job import Watch
from client.outputs.anonymise import AnonymiseConfig, Anonymiser
from client.outputs.render import RenderConfig, Renderer
from client.pipeline.tracked import TrackedFrame
from client.ui.results import SCENE
from client.ui.work.faults import FaultError
from client.ui.work.pictures import jpeg, write_jpeg
from client.video.source import Source
from mot.detections import Tracks
from mot.files import whole_file

Image = npt.NDArray[np.uint8]

PREVIEW, PORTRAITS = "preview.jpg", "portraits"
FOUND_SCORE = AnonymiseConfig().found_score
_PREVIEW_EVERY_S = 0.4
_PREVIEW_WIDTH = 720  # pixels
_RATE_OVER_S = 5.0
_PORTRAIT = (64, 128)  # width, height, pixels
_BETTER = 1.5  # a portrait is taken anew when the person is this much larger (area)
_FAR = 30_000  # pixels, within 16 bits
_MOST_PORTRAITS = 5000  # people; the first ones


class JobWatch(Watch):
    """One job's progress, for the worker's other thread to report."""

    def __init__(self, folder: Path, *, most_seconds: float) -> None:
        """``folder``: of the job; the preview lies there, the attempt's pictures are written by :meth:`finish`."""
        self._folder, self._most_seconds = folder, most_seconds
        self._anonymiser: Anonymiser | None = None
        self.times: list[float] = []  # of the frames, seconds
        self.found: list[npt.NDArray[np.int16]] = []  # (N, 4) xyxy of everybody found, frame by frame
        self.frames, self.total = 0, None  # type: int, int | None
        self.frame_rate = 0.0
        self.size = (0, 0)  # width, height, pixels
        self.last_frame = time.monotonic()
        self._times: deque[float] = deque(maxlen=512)
        self._next_preview = 0.0
        self._renderer = Renderer(RenderConfig(labels=True, caption=False, trail=0))
        self._portraits: dict[int, tuple[float, bytes]] = {}  # id -> (area, JPEG)
        self._scene: bytes | None = None  # JPEG

    def hide_heads(self) -> None:
        """Blur heads in all pictures, like the result's."""
        self._anonymiser = Anonymiser()

    def opened(self, source: Source) -> None:
        self.total, self.frame_rate = source.frame_count, source.frame_rate
        self.last_frame = time.monotonic()

    def frame(self, tracked: TrackedFrame) -> None:
        """Note one frame.

        Raises:
            FaultError: the video is longer than it may be.
        """
        if tracked.frame.time > self._most_seconds:
            limit = round(self._most_seconds / 60)
            raise FaultError("too_long", f"the video is longer than {limit} minutes", limit=limit)
        self.frames += 1
        self.last_frame = now = time.monotonic()
        self._times.append(now)
        self.times.append(tracked.frame.time)
        seen = tracked.detections
        found = seen.boxes[seen.scores >= FOUND_SCORE] if len(seen) else np.zeros((0, 4))
        self.found.append(np.rint(found.clip(-_FAR, _FAR)).astype(np.int16))
        image = tracked.frame.image
        if self._anonymiser is not None:  # which must see every frame
            image = image.copy()
            self._anonymiser.blur(image, tracked.tracks, tracked.detections)
        self._picture(image, tracked.tracks, now)

    def _picture(self, image: Image, tracks: Tracks, now: float) -> None:
        """Keep of a frame what is to be shown."""
        better = self._better(tracks)
        preview = now >= self._next_preview
        if self._scene is None:
            self.size = (image.shape[1], image.shape[0])
            self._scene = jpeg(image, 85)
        for row in better:
            self._take_portrait(image, tracks, row)
        if preview:
            self._write_preview(image, tracks)
            self._next_preview = time.monotonic() + _PREVIEW_EVERY_S

    @property
    def rate(self) -> float | None:
        """Frames per second of late."""
        times = list(self._times)
        recent = [each for each in times if each > times[-1] - _RATE_OVER_S] if times else []
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 and recent[-1] > recent[0] else None

    def finish(self, folder: Path) -> None:
        """Write the scene and the portraits beside an attempt's results."""
        if self._scene is not None:
            with whole_file(folder / SCENE) as temporary:
                temporary.write_bytes(self._scene)
        portraits = folder / PORTRAITS
        portraits.mkdir(parents=True, exist_ok=True)
        for track, (_, picture) in self._portraits.items():
            (portraits / f"{track}.jpg").write_bytes(picture)

    def _better(self, tracks: Tracks) -> list[int]:
        """Rows of people who have no portrait, or a smaller one."""
        boxes = tracks.boxes
        areas = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).tolist()
        found = []
        for row, (track, area) in enumerate(zip(tracks.ids.tolist(), areas, strict=True)):
            have = self._portraits.get(track)
            if (have is None and len(self._portraits) < _MOST_PORTRAITS) or (have and area > _BETTER * have[0]):
                found.append(row)
        return found

    def _take_portrait(self, image: Image, tracks: Tracks, row: int) -> None:
        height, width = image.shape[:2]
        left, top, right, bottom = np.rint(tracks.boxes[row]).astype(int).tolist()
        left, top, right, bottom = max(0, left), max(0, top), min(width, right), min(height, bottom)
        if right - left < 2 or bottom - top < 2:
            return
        crop = image[top:bottom, left:right]
        scale = min(_PORTRAIT[0] / crop.shape[1], _PORTRAIT[1] / crop.shape[0])
        size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
        box = tracks.boxes[row]
        area = float((box[2] - box[0]) * (box[3] - box[1]))
        small = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
        self._portraits[int(tracks.ids[row])] = (area, jpeg(small, 80))

    def _write_preview(self, image: Image, tracks: Tracks) -> None:
        scale = min(1.0, _PREVIEW_WIDTH / image.shape[1])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        small = np.array(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        self._renderer.draw(small, replace(tracks, boxes=tracks.boxes * scale), frame=self.frames)
        write_jpeg(self._folder / PREVIEW, small, 75)
