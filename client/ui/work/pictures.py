"""Pictures as files: JPEGs that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mot.files import whole_file


def jpeg(image: npt.NDArray[np.uint8], quality: int) -> bytes:
    """Of (H, W, 3) RGB."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, f"an image of {image.shape} cannot be encoded"
    return data.tobytes()


def write_jpeg(path: Path, image: npt.NDArray[np.uint8], quality: int) -> None:
    """Write (H, W, 3) RGB.

    Raises:
        OSError: it cannot be written; ``cv2.imwrite`` would keep that to itself.
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(jpeg(image, quality))
