"""The one way in: whatever the user names becomes a source of frames."""

from __future__ import annotations

from pathlib import Path

from client.video.camera import Camera, camera_name
from client.video.file import VideoFile
from client.video.images import folder_name, open_folder
from client.video.source import Source, VideoError, Window
from client.video.stream import SCHEMES, Link, NetworkStream, Patience, stream_name


def open_source(
    input: str,
    start: int = 1,
    end: int | None = None,
    *,
    retry_for: float = 60.0,
    patience: Patience | None = None,
    link: Link | None = None,
) -> Source:
    """Open a video file, image folder, MOT sequence, camera (its number) or RTSP, RTMP or HTTP(S) stream.

    ``start`` and ``end`` are frame numbers from 1, both included; frames keep their numbers. ``retry_for``: seconds
    for which a lost stream is opened again; ``patience`` says that and more, and ``link`` is told of losses.

    Raises:
        VideoError: there is no such thing, or it holds no video, or ``start`` is beyond its end (known at once
            for folders, in iteration for the others).
        SequenceError: a sequence's ``seqinfo.ini`` is malformed.
    """
    window = Window(start=start, end=end)
    scheme, separator, _ = input.partition("://")
    if separator:
        _check_scheme(scheme)
        return NetworkStream(input, window, patience or Patience(retry_for=retry_for), link)
    path = Path(input)
    if input and path.is_dir():  # an empty name would be the current folder
        return open_folder(path, window)
    if _is_camera(input):
        return Camera(int(input), window)
    if not input or not path.exists():
        raise _missing(input)
    return VideoFile(path, window)


def name_of(input: str) -> str:
    """The stem for the names of an input's results, without opening the input.

    Raises:
        VideoError: there is no such file or folder, or the address is of an unknown kind.
        SequenceError: a sequence's ``seqinfo.ini`` is malformed.
    """
    scheme, separator, _ = input.partition("://")
    path = Path(input)
    if separator:
        _check_scheme(scheme)
        return stream_name(input)
    if input and path.is_dir():
        return folder_name(path)
    if _is_camera(input):
        return camera_name(int(input))
    if not input or not path.exists():
        raise _missing(input)
    return path.stem


def _is_camera(input: str) -> bool:
    return input.isascii() and input.isdigit() and not Path(input).exists()


def _check_scheme(scheme: str) -> None:
    if scheme.lower() not in SCHEMES:
        raise VideoError(f"{scheme}://: unknown kind of address; known are {', '.join(sorted(SCHEMES))}")


def _missing(input: str) -> VideoError:
    return VideoError(f"{input!r}: no such file or folder; check the path")
