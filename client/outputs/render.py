"""Drawing of tracks: boxes, ids and the ways that people have come, in colours that belong to ids."""

from __future__ import annotations

import colorsys
from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from client.outputs.anonymise import Anonymiser
from mot.detections import Detections, Tracks

Color = tuple[int, int, int]  # RGB, 0..255
Point = tuple[int, int]  # x, y, pixels

_GOLDEN_RATIO = 0.618033988749895
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BLACK: Color = (0, 0, 0)
_WHITE: Color = (255, 255, 255)
_SHADES = 4  # of a trail, from old and dark to new
_FAR = 1 << 15  # pixels; cv2 draws with 32-bit fixed point, which larger coordinates overflow


@dataclass(frozen=True, kw_only=True)
class RenderConfig:
    """What to draw. Lines and letters scale with the image's height."""

    labels: bool = True  # the id above each box
    caption: bool = True  # frame number and people count in the upper left corner
    trail: int = 30  # frames that a trail reaches back; 0 for none
    patience: int = 30  # frames without a person after which the trail is forgotten
    anonymise: bool = False  # blur heads

    def __post_init__(self) -> None:
        if self.trail < 0 or self.patience < 0:
            raise ValueError(f"trail {self.trail} and patience {self.patience} must not be negative")


@dataclass(kw_only=True)
class _Trail:
    points: deque[Point]  # foot points, oldest first
    seen: int  # the drawing step of the last one


class Renderer:
    """Draws the frames of one video, in order; its trails make it belong to that video."""

    def __init__(self, config: RenderConfig | None = None) -> None:
        self._config = config or RenderConfig()
        self._anonymiser = Anonymiser() if self._config.anonymise else None
        self._trails: dict[int, _Trail] = {}
        self._step = 0

    def draw(
        self, image: npt.NDArray[np.uint8], tracks: Tracks, *, frame: int, found: Detections | None = None
    ) -> None:
        """Draw into ``image``, (H, W, 3) RGB; boxes may leave it.

        Args:
            frame: the number in the caption.
            found: the frame's detections; where heads are blurred, these people's are, too.
        """
        if self._anonymiser is not None:
            self._anonymiser.blur(image, tracks, found)
        height, width = image.shape[:2]
        unit = max(1, round(height / 400))  # pixels: the thickness of a line
        ids = tracks.ids.tolist()
        corners = np.rint(tracks.boxes.clip(-_FAR, _FAR)).astype(int).tolist()
        self._remember(ids, corners)
        for track in ids:
            self._draw_trail(image, track, unit)
        for track, (left, top, right, bottom) in zip(ids, corners, strict=True):
            cv2.rectangle(image, (left, top), (right - 1, bottom - 1), color_of(track), unit + 1)
        # Labels last: they stay readable where people overlap.
        for track, (left, top, right, bottom) in zip(ids, corners, strict=True):
            if self._config.labels and left < width and top < height and right > 0 and bottom > 0:
                _draw_text(image, str(track), (left, top), color_of(track), unit)
        if self._config.caption:
            _draw_text(image, f"frame {frame}  people {len(ids)}", (0, 0), _BLACK, unit)

    def _remember(self, ids: list[int], corners: list[list[int]]) -> None:
        """Lengthen the trails of the people seen, forget those of people long gone."""
        self._step += 1
        for track, (left, _, right, bottom) in zip(ids, corners, strict=True):
            trail = self._trails.setdefault(track, _Trail(points=deque(maxlen=self._config.trail + 1), seen=0))
            trail.points.append(((left + right) // 2, bottom))
            trail.seen = self._step
        oldest = self._step - self._config.patience
        self._trails = {track: trail for track, trail in self._trails.items() if trail.seen >= oldest}

    def _draw_trail(self, image: npt.NDArray[np.uint8], track: int, unit: int) -> None:
        """A line along the foot points that darkens in steps with age."""
        points = np.array(self._trails[track].points, np.int32)
        color = color_of(track)
        for step in range(_SHADES):
            # Neighbouring pieces share a point, so that the line has no gaps.
            piece = points[len(points) * step // _SHADES : len(points) * (step + 1) // _SHADES + 1]
            if len(piece) > 1:
                shade = (step + 1) / _SHADES
                cv2.polylines(image, [piece], False, tuple(shade * part for part in color), unit + 1)


@lru_cache(maxsize=4096)
def color_of(track: int) -> Color:
    """The colour of an id, the same in every run.

    Hues go round by the golden angle, which keeps the ids that are near each other, and so on screen together,
    far apart; brightness alternates so that the hues of a crowd can be told apart as well.
    """
    hue = track * _GOLDEN_RATIO % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.55 + 0.35 * (track // 2 % 2), 1.0 - 0.25 * (track % 2))
    return round(255 * red), round(255 * green), round(255 * blue)


def _draw_text(
    image: npt.NDArray[np.uint8], text: str, corner: tuple[int, int], background: Color, thickness: int
) -> None:
    """Text on a filled ground that stands on ``corner``, (left, bottom) in pixels, moved into the image."""
    scale = max(0.35, image.shape[0] / 1200)  # cv2's: 1 makes capitals of about 22 pixels
    (text_width, text_height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    width, height = text_width + 2 * thickness, text_height + below + thickness
    left = max(0, min(corner[0], image.shape[1] - width))
    top = max(0, corner[1] - height)
    cv2.rectangle(image, (left, top), (left + width - 1, top + height - 1), background, cv2.FILLED)
    red, green, blue = background
    light = 0.299 * red + 0.587 * green + 0.114 * blue > 128  # BT.601's luma
    baseline = (left + thickness, top + height - 1 - below)
    cv2.putText(image, text, baseline, _FONT, scale, _BLACK if light else _WHITE, thickness, cv2.LINE_AA)
