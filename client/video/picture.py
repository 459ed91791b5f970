"""From what a decoder gives to what everyone works on: upright RGB, of one size throughout a source."""

from __future__ import annotations

import logging
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from mot.frame import SQUARE
from mot.geometry import Letterbox

_SAME_SHAPE = 0.02  # relative difference of width / height that is taken for rounding

log = logging.getLogger(__name__)


class UprightRgb:
    """Makes upright RGB pictures of one stream; keeps what is costly to make anew for each."""

    def __init__(self) -> None:
        self.turned = False  # whether the last one's width was its height
        self._reformatter = VideoReformatter()
        self._rotation: int | None = None
        self._matrix: npt.NDArray[np.int32] | None = None

    def __call__(self, picture: VideoFrame) -> npt.NDArray[np.uint8]:
        """(H, W, 3) RGB, turned and mirrored as the picture's display matrix asks."""
        # Asking for side data ties a picture into a reference cycle, and its memory would wait for the garbage
        # collector (150 MB measured); so it is asked for only where the angle, which costs nothing, has changed.
        if picture.rotation != self._rotation:
            self._rotation = picture.rotation
            matrix = picture.side_data.get("DISPLAYMATRIX")
            self._matrix = np.frombuffer(bytes(matrix), "<i4", count=9) if isinstance(matrix, SideData) else None
            self.turned = self._matrix is not None and _swaps_sides(self._matrix)
        image = np.asarray(self._reformatter.reformat(picture, format="rgb24").to_ndarray(), np.uint8)
        return image if self._matrix is None else _apply_display_matrix(image, self._matrix)


class OneSize:
    """Brings the pictures of a source to the size of its first one, so that all boxes are in one system of pixels.

    One that is shown in the same shape is scaled; another is fitted in, on grey. The first time, a warning says so.
    """

    def __init__(self, source: str) -> None:
        self.pixel_aspect = SQUARE  # of what comes out: width / height of a pixel, as it is shown
        self._source = source
        self._size: tuple[int, int] | None = None  # width, height
        self._warned = False

    def __call__(
        self, image: npt.NDArray[np.uint8], frame: int, pixel_aspect: Fraction = SQUARE
    ) -> npt.NDArray[np.uint8]:
        """The image, (H, W, 3), of frame number ``frame`` in the source's size and its pixels' shape."""
        height, width = image.shape[:2]
        if self._size is None:
            self._size, self.pixel_aspect = (width, height), pixel_aspect
        stretch = float(pixel_aspect / self.pixel_aspect)
        if self._size == (width, height) and stretch == 1:
            return image
        self._warn(frame, width, height, pixel_aspect)
        shrinks = width > self._size[0]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        if abs(width * stretch * self._size[1] / (height * self._size[0]) - 1) < _SAME_SHAPE:
            return np.asarray(cv2.resize(image, self._size, interpolation=method), np.uint8)
        if stretch != 1:
            width = max(1, round(width * stretch))
            image = np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
        fit = Letterbox(source_width=width, source_height=height, width=self._size[0], height=self._size[1])
        return fit.apply(image)

    def _warn(self, frame: int, width: int, height: int, pixel_aspect: Fraction) -> None:
        if self._warned:
            return
        assert self._size is not None
        now, before = f"{width}x{height} pixels", "{}x{}".format(*self._size)
        if pixel_aspect != self.pixel_aspect:
            now, before = f"{now} of shape {pixel_aspect}", f"{before} of shape {self.pixel_aspect}"
        log.warning(
            "%s: from frame %d on pictures are of %s, no longer of %s; they are brought to the first size, and so are "
            "all boxes",
            *(self._source, frame, now, before),
        )
        self._warned = True


def _swaps_sides(matrix: npt.NDArray[np.int32]) -> bool:
    return abs(int(matrix[1])) > abs(int(matrix[0]))


def _apply_display_matrix(image: npt.NDArray[np.uint8], matrix: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Turn by quarters and mirror; other angles, which no camera writes, go to the nearest quarter.

    FFmpeg's libavutil/display.h: x' = a x + c y, y' = b x + d y, with (a, b, _, c, d, ...) = ``matrix``.
    """
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    if _swaps_sides(matrix):
        image = np.asarray(cv2.transpose(image), np.uint8)
        a, d = c, b
    if a >= 0 and d >= 0:
        return image
    turn = -1 if a < 0 and d < 0 else 1 if a < 0 else 0  # cv2's codes: both axes, left-right, top-bottom
    return np.asarray(cv2.flip(image, turn), np.uint8)
