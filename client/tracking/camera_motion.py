"""How the camera has moved between two frames, by sparse optical flow."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_SCALE = 2  # pictures are halved: faster, and less noisy
_LEAST = 5  # corners without which no motion is estimated


class CameraMotion:
    """Follows corners from frame to frame; one for each video. BoT-SORT (2022), sec. 3.2, by OpenCV."""

    def __init__(self) -> None:
        self._image: npt.NDArray[np.uint8] | None = None

    def update(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """The next frame, (H, W, 3) RGB, of any size.

        Returns:
            (2, 3): where a still point of the last frame now is, A @ (x, y, 1), pixels. The identity for the first
            frame, after a change of size, and where too little can be recognised.
        """
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        half = cv2.resize(gray, (max(1, gray.shape[1] // _SCALE), max(1, gray.shape[0] // _SCALE)))
        last, self._image = self._image, np.asarray(half, np.uint8)
        still = np.eye(2, 3)
        if last is None or last.shape != half.shape:
            return still
        corners = cv2.goodFeaturesToTrack(last, maxCorners=1000, qualityLevel=0.01, minDistance=1, blockSize=3)
        if corners is None or len(corners) < _LEAST:
            return still
        moved, found, _ = cv2.calcOpticalFlowPyrLK(last, half, corners, None)  # type: ignore[call-overload]
        kept = found.ravel() == 1
        if kept.sum() < _LEAST:
            return still
        affine, _ = cv2.estimateAffinePartial2D(corners[kept], moved[kept], method=cv2.RANSAC)
        if affine is None:
            return still
        affine[:, 2] *= _SCALE
        return np.asarray(affine, np.float64)
