"""Heads made unrecognisable: of everybody tracked, found, or seen a moment ago."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mot.detections import Detections, Tracks

_HEAD = 0.25  # of a standing person's box, from its top: a head is an eighth of a body, boxes and necks vary
_HEAD_OF_WIDTH = 0.6  # of a box that the picture's edge or a table cuts to the upper part of a body
_ABOVE, _ASIDE = 0.06, 0.1  # margins: of the head region's box height, and of its width on either side
_CELLS = 8  # across a box, which is about as wide as two to three heads: three or four for a face
_LEAST_CELL = 6  # pixels
_FAR = 1 << 15  # pixels; larger coordinates would overflow


@dataclass(frozen=True, kw_only=True)
class AnonymiseConfig:
    """Whose heads are blurred."""

    found_score: float = 0.3  # from which detections are people, too, whom nobody tracks (yet)
    patience: int = 15  # frames for which people who are lost are still blurred, where they would have walked on
    growth: float = 0.03  # by which a lost person's box grows each frame, of its size: nobody knows where they are

    def __post_init__(self) -> None:
        if self.patience < 0 or self.growth < 0:
            raise ValueError(f"patience {self.patience} and growth {self.growth} must not be negative")


@dataclass(kw_only=True)
class _Seen:
    box: npt.NDArray[np.float64]  # (4,) xyxy
    speed: npt.NDArray[np.float64]  # (2,) of its middle, pixels a frame
    missed: int = 0


class Anonymiser:
    """Blurs the heads in the frames of one video, in order; its memory of people makes it belong to that video."""

    def __init__(self, config: AnonymiseConfig | None = None) -> None:
        self._config = config or AnonymiseConfig()
        self._seen: dict[int, _Seen] = {}

    def blur(self, image: npt.NDArray[np.uint8], tracks: Tracks, found: Detections | None = None) -> None:
        """Blur in ``image``, (H, W, 3) RGB; call it for every frame, before anything is drawn.

        Args:
            found: the detections of the frame, in the same pixels: not every person is a track (yet).
        """
        self._remember(tracks)
        lost = [self._expected(seen) for seen in self._seen.values() if seen.missed]
        others = [] if found is None else [found.boxes[found.scores >= self._config.found_score]]
        boxes = np.concatenate([tracks.boxes, *others, np.reshape(lost, (-1, 4))])
        blur_heads(image, boxes.astype(np.float64))

    def _remember(self, tracks: Tracks) -> None:
        for seen in self._seen.values():
            seen.missed += 1
        for track, box in zip(tracks.ids.tolist(), tracks.boxes.astype(np.float64), strict=True):
            before = self._seen.get(track)
            speed = np.zeros(2)
            if before:
                step = (box[:2] + box[2:] - before.box[:2] - before.box[2:]) / 2 / before.missed
                speed = 0.7 * before.speed + 0.3 * step  # boxes tremble
            self._seen[track] = _Seen(box=box, speed=speed)
        patience = self._config.patience
        self._seen = {track: seen for track, seen in self._seen.items() if seen.missed <= patience}

    def _expected(self, seen: _Seen) -> npt.NDArray[np.float64]:
        """Where a lost person's box may be, grown by the time."""
        box = seen.box + seen.missed * np.tile(seen.speed, 2)
        grown = (box[2:] - box[:2]) * (seen.missed * self._config.growth / 2)
        return np.concatenate([box[:2] - grown, box[2:] + grown])


def head_regions(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N, 4) xyxy, pixels: for each person's box, (N, 4), where the head is, with a margin."""
    left, top, right, bottom = boxes.T
    width, height = right - left, bottom - top
    down = np.minimum(height, np.maximum(_HEAD * height, _HEAD_OF_WIDTH * width))
    return np.stack([left - _ASIDE * width, top - _ABOVE * height, right + _ASIDE * width, top + down], axis=1)


def blur_heads(image: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float64]) -> None:
    """Blur the heads of people's boxes, (N, 4) xyxy, in ``image``, (H, W, 3).

    What is left is the mean of some large cells and what lies smoothly between them: no filter brings back more.
    """
    edges = np.nan_to_num(head_regions(boxes), nan=0.0).clip(-_FAR, _FAR)
    corners = np.concatenate([np.floor(edges[:, :2]), np.ceil(edges[:, 2:])], axis=1).astype(int)
    sizes = np.maximum(_LEAST_CELL, (boxes[:, 2] - boxes[:, 0]) / _CELLS)
    for (left, top, right, bottom), cell in zip(corners.tolist(), sizes.tolist(), strict=True):
        region = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        if region.size:
            rows, columns = (max(1, round(side / cell)) for side in region.shape[:2])
            cells = cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA)
            region[:] = cv2.resize(cells, (region.shape[1], region.shape[0]), interpolation=cv2.INTER_LINEAR)
