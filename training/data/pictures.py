"""Pictures as the network learns them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.data.labels import DataError


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """(H, W, 3) RGB, upright by its EXIF orientation.

    Raises:
        DataError: it is missing, no image, or larger than OpenCV or memory allows.
    """
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error as error:  # also for want of memory
        raise DataError(f"{path}: cannot be decoded: {error.err!s}; make it smaller or leave it out") from error
    if image is None:
        raise DataError(f"{path}: missing or no readable image")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
