"""Frames of a video as image files."""

from __future__ import annotations

from pathlib import Path

import av
import cv2

from mot.files import whole_file
from training.data.labels import DataError


def video_to_images(video: Path, folder: Path, frames: range | None = None) -> list[Path]:
    """Write the frames whose 1-based numbers are in ``frames`` (None: all) as JPEG, unless they are there already.

    Raises:
        DataError: the video cannot be read or ends before the last of these frames.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = None if frames is None else [_frame_path(folder, number) for number in frames]
    if wanted is not None and all(path.exists() for path in wanted):
        return wanted
    found = []
    try:
        with av.open(str(video)) as container:
            for number, frame in enumerate(container.decode(video=0), start=1):
                if frames is not None and number >= frames.stop:
                    break
                path = _frame_path(folder, number)
                if frames is not None and number not in frames:
                    continue
                found.append(path)
                if not path.exists():
                    with whole_file(path) as temporary:
                        image = frame.to_ndarray(format="bgr24")
                        cv2.imwrite(str(temporary), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    except (av.FFmpegError, IndexError) as error:  # IndexError: a file without a video stream
        raise DataError(f"{video}: cannot be read as a video: {getattr(error, 'strerror', error)}") from error
    if wanted is not None and len(found) < len(wanted):
        raise DataError(f"{video}: has no frame {int(wanted[len(found)].stem)}; is it the right video?")
    return found


def _frame_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.jpg"
