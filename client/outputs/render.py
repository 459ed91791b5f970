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
from client.outputs.labels import LabelLayout, Rectangles, overlap
from mot.detections import Detections, Tracks

Color = tuple[int, int, int]  # RGB, 0..255
Point = tuple[int, int]  # x, y, pixels

_GOLDEN_RATIO = 0.618033988749895
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BLACK: Color = (0, 0, 0)
_WHITE: Color = (255, 255, 255)
_SHADES = 4  # of a trail, from old and dark to new
_FAR = 1 << 15  # pixels; cv2 draws with 32-bit fixed point, which larger coordinates overflow
_LABEL_SHARE = 1 / 3  # of a person's height that a label may have
_CAPTION_SHARE = (1 / 2, 1 / 8)  # of the image's width and height that the caption may have
_NOWHERE: Rectangles = np.zeros((0, 4), np.int64)
_SMALL = 240  # pixels; in an image of less height, lines are as thin as they can be


@dataclass(frozen=True, kw_only=True)
class RenderConfig:
    """What to draw. Lines and letters scale with the image's height.

    A label that is large beside its person, as in small images, is left out, and so are those of a crowd for which
    there is no room. The caption goes to a corner without people, if there is one.
    """

    labels: bool = True  # the id beside each box
    caption: bool = True  # frame number and people count in a corner
    trail: int = 30  # frames that a trail reaches back; 0 for none
    patience: int = 30  # frames without a person after which the trail is forgotten
    anonymise: bool = False  # blur heads

    def __post_init__(self) -> None:
        if self.trail < 0 or self.patience < 0:
            raise ValueError(f"trail {self.trail} and patience {self.patience} must not be negative")


@dataclass(kw_only=True)
class _Trail:
    points: deque[tuple[int, Point]]  # drawing step and foot point, oldest first
    seen: int  # the drawing step of the last one


class Renderer:
    """Draws the frames of one video, in order; its trails make it belong to that video."""

    def __init__(self, config: RenderConfig | None = None) -> None:
        self._config = config or RenderConfig()
        self._anonymiser = Anonymiser() if self._config.anonymise else None
        self._trails: dict[int, _Trail] = {}
        self._layout = LabelLayout()
        self._corner = 0  # in which the caption was
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
        unit = max(1, round(image.shape[0] / 400))  # pixels: the thickness of a line
        line = unit + 1 if image.shape[0] >= _SMALL else 1
        ids = tracks.ids.tolist()
        boxes = np.rint(tracks.boxes.clip(-_FAR, _FAR)).astype(np.int64)
        self._remember(ids, boxes.tolist())
        for track in ids:
            self._draw_trail(image, track, line)
        for track, (left, top, right, bottom) in zip(ids, boxes.tolist(), strict=True):
            cv2.rectangle(image, (left, top), (right - 1, bottom - 1), color_of(track), line)
        taken = self._draw_caption(image, boxes, frame, unit) if self._config.caption else _NOWHERE
        # Labels last: they stay readable where people overlap.
        if self._config.labels:
            self._draw_labels(image, ids, boxes, taken, unit)

    def _draw_labels(
        self, image: npt.NDArray[np.uint8], ids: list[int], boxes: Rectangles, taken: Rectangles, unit: int
    ) -> None:
        """Each id on a ground of its colour, of those that have room."""
        labels = {track: _text_size(image, str(track), unit) for track in ids}
        heights = (boxes[:, 3] - boxes[:, 1]).tolist()
        rows = [n for n, track in enumerate(ids) if labels[track][1] <= heights[n] * _LABEL_SHARE]
        chosen = [ids[n] for n in rows]
        canvas = (image.shape[1], image.shape[0])
        corners = self._layout.place(chosen, boxes[rows], [labels[track] for track in chosen], canvas, taken)
        for track, corner in corners.items():
            _draw_text(image, str(track), corner, color_of(track), unit)

    def _draw_caption(self, image: npt.NDArray[np.uint8], boxes: Rectangles, frame: int, unit: int) -> Rectangles:
        """Frame number and people count, as short as they must be; returns where, (1, 4) or (0, 4)."""
        height, width = image.shape[:2]
        for text in (f"frame {frame}  people {len(boxes)}", f"{frame}: {len(boxes)}"):
            size = _text_size(image, text, unit)
            if size[0] <= width * _CAPTION_SHARE[0] and size[1] <= height * _CAPTION_SHARE[1]:
                break
        else:
            return _NOWHERE
        right, bottom = width - size[0], height - size[1]
        corners = np.array([(0, 0), (right, 0), (0, bottom), (right, bottom)])
        rectangles = np.concatenate([corners, corners + size], axis=1)
        hidden = overlap(rectangles[:, None], boxes).sum(axis=1) if len(boxes) else np.zeros(4)
        if hidden[self._corner]:  # else it stays where it is
            self._corner = int(np.argmin(hidden))
        left, top = corners[self._corner].tolist()
        # Where people fill all corners, they are seen through the letters.
        _draw_text(image, text, (left, top), None if hidden[self._corner] else _BLACK, unit)
        return rectangles[[self._corner]]

    def _remember(self, ids: list[int], corners: list[list[int]]) -> None:
        """Lengthen the trails of the people seen, forget those of people long gone, and what is long ago."""
        self._step += 1
        for track, (left, _, right, bottom) in zip(ids, corners, strict=True):
            trail = self._trails.setdefault(track, _Trail(points=deque(), seen=0))
            trail.points.append((self._step, ((left + right) // 2, bottom)))
            trail.seen = self._step
            while trail.points[0][0] < self._step - self._config.trail:
                trail.points.popleft()
        oldest = self._step - self._config.patience
        self._trails = {track: trail for track, trail in self._trails.items() if trail.seen >= oldest}

    def _draw_trail(self, image: npt.NDArray[np.uint8], track: int, thickness: int) -> None:
        """A line along the foot points that darkens in steps with age."""
        points = np.array([point for _, point in self._trails[track].points], np.int32)
        color = color_of(track)
        for step in range(_SHADES):
            # Neighbouring pieces share a point, so that the line has no gaps.
            piece = points[len(points) * step // _SHADES : len(points) * (step + 1) // _SHADES + 1]
            if len(piece) > 1:
                shade = (step + 1) / _SHADES
                cv2.polylines(image, [piece], False, tuple(shade * part for part in color), thickness)


@lru_cache(maxsize=4096)
def color_of(track: int) -> Color:
    """The colour of an id, the same in every run.

    Hues go round by the golden angle, which keeps the ids that are near each other, and so on screen together,
    far apart; brightness alternates so that the hues of a crowd can be told apart as well.
    """
    hue = track * _GOLDEN_RATIO % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.55 + 0.35 * (track // 2 % 2), 1.0 - 0.25 * (track % 2))
    return round(255 * red), round(255 * green), round(255 * blue)


def _text_size(image: npt.NDArray[np.uint8], text: str, thickness: int) -> tuple[int, int]:
    """(width, height) of a text with its ground, pixels."""
    (width, height), below = cv2.getTextSize(text, _FONT, _scale(image), thickness)
    return width + 2 * thickness, height + below + thickness


def _draw_text(
    image: npt.NDArray[np.uint8], text: str, corner: tuple[int, int], ground: Color | None, thickness: int
) -> None:
    """Text whose upper left corner is ``corner``, (left, top) in pixels; without a ground, white with a dark rim."""
    left, top = corner
    width, height = _text_size(image, text, thickness)
    _, below = cv2.getTextSize(text, _FONT, _scale(image), thickness)
    baseline = (left + thickness, top + height - 1 - below)
    if ground is None:
        cv2.putText(image, text, baseline, _FONT, _scale(image), _BLACK, 3 * thickness, cv2.LINE_AA)
        ink = _WHITE
    else:
        cv2.rectangle(image, (left, top), (left + width - 1, top + height - 1), ground, cv2.FILLED)
        red, green, blue = ground
        ink = _BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else _WHITE  # BT.601's luma
    cv2.putText(image, text, baseline, _FONT, _scale(image), ink, thickness, cv2.LINE_AA)


def _scale(image: npt.NDArray[np.uint8]) -> float:
    """Of the letters, in cv2's measure: 1 makes capitals of about 22 pixels."""
    height: int = image.shape[0]
    return max(0.35, height / 1200)
