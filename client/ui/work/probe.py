"""A look at an uploaded file, in a process of its own: what it holds, or why it cannot be tracked.

    python -m client.ui.work.probe FILE FOLDER LIMITS

prints one line of JSON. A process, because the file is a stranger's: whatever it does to FFmpeg, the page goes on.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from client.ui.settings import GIB, Limits
from client.ui.work.archive import unpack_images
from client.ui.work.faults import FaultError
from client.ui.work.pictures import write_jpeg
from client.video.container import open_file
from client.video.images import read_image
from client.video.open import open_source
from client.video.source import VideoError
from mot.frame import Frame

POSTER = "poster.jpg"
# FFmpeg's names of what may be uploaded: mp4, mov, mkv, webm, avi. None of them reads another file.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
_MEMORY = 6 * GIB  # of address space
_POSTER_WIDTH = 640  # pixels


def probe(path: Path, folder: Path, limits: Limits) -> dict[str, Any]:
    """Width, height, frames (None where unknown) and seconds of a video or a zip of images; writes its poster.

    A zip is unpacked into ``folder/images``.

    Raises:
        FaultError: it cannot be tracked.
    """
    if path.suffix == ".zip":
        frames: int | None = unpack_images(path, folder / "images", limits)
        path.unlink()  # the images are what is read
        first = _first_frame(folder / "images")
        _check_pixels(first, limits)
        return _facts(first, folder, frames, None)
    first, frames, rate = _open(path)
    _check_pixels(first, limits)
    seconds = frames / rate if frames and rate else None
    if seconds is not None and seconds > limits.seconds:
        raise FaultError(
            "too_long",
            f"the video lasts {seconds / 60:.0f} minutes; the limit is {limits.seconds / 60:.0f}",
            minutes=round(seconds / 60),
            limit=round(limits.seconds / 60),
        )
    return _facts(first, folder, frames, seconds)


def _open(path: Path) -> tuple[Frame, int | None, float]:
    _refuse_lists(path)
    try:
        with closing(open_source(str(path))) as source:
            first = next(iter(source), None)
            if first is None:
                raise FaultError("no_frames", "there is no frame in the video")
            return first, source.frame_count, source.frame_rate
    except VideoError as error:
        raise FaultError("not_video", str(error).replace(str(path), "the file")) from error


def _refuse_lists(path: Path) -> None:
    """Refuse a file that names other files: FFmpeg would open these, another person's video among them.

    Whatever its name says, a text that begins as a playlist (HLS, concat, DASH) is one to FFmpeg.
    """
    try:
        open_file(path, {"format_whitelist": _CONTAINERS}).close()
    except (OSError, av.FFmpegError) as error:
        raise FaultError(
            "not_video", f"the file is none of the videos that can be uploaded: {error.strerror}"
        ) from error


def _first_frame(folder: Path) -> Frame:
    path = min(folder.iterdir())
    try:
        return Frame(index=1, image=read_image(path), time=0.0)
    except VideoError as error:
        raise FaultError("zip_damaged", str(error).replace(str(folder), "the zip")) from error


def _check_pixels(frame: Frame, limits: Limits) -> None:
    height, width = frame.image.shape[:2]
    if width * height > limits.pixels:
        raise FaultError(
            "too_many_pixels",
            f"the picture has {width}x{height} pixels; the limit is {limits.pixels / 1e6:.1f} million",
            width=width,
            height=height,
            limit=f"{limits.pixels / 1e6:.1f}",
        )


def _facts(frame: Frame, folder: Path, frames: int | None, seconds: float | None) -> dict[str, Any]:
    height, width = frame.image.shape[:2]
    scale = min(1.0, _POSTER_WIDTH / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    with suppress(OSError):  # it is tracked without one, too
        write_jpeg(folder / POSTER, np.asarray(cv2.resize(frame.image, size), np.uint8), 90)
    return {"width": width, "height": height, "frames": frames, "seconds": seconds}


def main() -> None:
    """Print what was found; errors are words of the same JSON."""
    path, folder, limits = Path(sys.argv[1]), Path(sys.argv[2]), Limits.model_validate_json(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(5)
    try:
        answer: dict[str, Any] = {"facts": probe(path, folder, limits)}
    except FaultError as error:
        answer = {"kind": error.kind, "error": str(error), "values": error.values}
    except OSError as error:
        answer = {"kind": "no_room", "error": f"the server cannot store the images: {error.strerror}", "values": {}}
    except MemoryError:
        answer = {"kind": "not_video", "error": "the file asks for more memory than a video needs", "values": {}}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
