"""The one way in: whatever the user names becomes a source of frames."""

from __future__ import annotations

from pathlib import Path

from client.video.camera import Camera
from client.video.file import VideoFile
from client.video.images import open_folder
from client.video.source import Source, VideoError, Window
from client.video.stream import SCHEMES, NetworkStream


def open_source(input: str, start: int = 1, end: int | None = None) -> Source:
    """Open a video file, image folder, MOT sequence, camera (its number) or RTSP, RTMP or HTTP(S) stream.

    ``start`` and ``end`` are frame numbers from 1, both included; frames keep their numbers.

    Raises:
        VideoError: there is no such thing, or it holds no video, or ``start`` is beyond its end (known at once
            for folders, in iteration for the others).
        SequenceError: a sequence's ``seqinfo.ini`` is malformed.
    """
    window = Window(start=start, end=end)
    scheme, separator, _ = input.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise VideoError(f"{scheme}://: unknown kind of address; known are {', '.join(sorted(SCHEMES))}")
        return NetworkStream(input, window)
    path = Path(input)
    if input and path.is_dir():  # an empty name would be the current folder
        return open_folder(path, window)
    if input.isascii() and input.isdigit() and not path.exists():
        return Camera(int(input), window)
    if not input or not path.exists():
        raise VideoError(f"{input!r}: no such file or folder; check the path")
    return VideoFile(path, window)
