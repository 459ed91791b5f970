"""What `mot batch` is given, file by file: folders, patterns, lists and addresses become single inputs."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from client.batch import remote
from client.jobs.spec import JobError
from client.video.images import EXTENSIONS, SEQINFO
from client.video.stream import SCHEMES
from mot.errors import MotError
from mot.files import lines_of, no_text, text_of

# What FFmpeg's demuxers are usually called by; a file that is named itself may be called anything.
VIDEOS = frozenset(
    {
        *(".264", ".265", ".3gp", ".asf", ".avi", ".divx", ".flv", ".h264", ".h265", ".hevc", ".ivf", ".m2ts", ".m2v"),
        *(".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".obu", ".ogm"),
        *(".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
    }
)
_LIST = "@"


def find_inputs(given: Iterable[str], output: Path) -> tuple[list[str], list[MotError]]:
    """Each input once, in the order given, and what is wrong with those that are none.

    A folder is a sequence where it holds images and no videos, else all the videos and sequences below it. A name
    with ``*``, ``?`` or ``[`` that is no file is a pattern; ``@FILE`` holds an input a line, ``@-`` is standard input.
    Paths become absolute, so that they mean the same in other processes.

    Args:
        output: folder of the results, in which nothing is looked for.
    """
    found: dict[str, None] = {}
    faults: list[MotError] = []
    for one in given:
        try:
            for input in _inputs(one, output.absolute(), faults):
                found[input] = None
        except MotError as error:
            faults.append(error)
    return list(found), faults


def _inputs(given: str, output: Path, faults: list[MotError]) -> Iterator[str]:
    scheme, separator, _ = given.partition("://")
    if separator:
        yield from _addresses(given, scheme.lower())
        return
    path = Path(given)
    if given.startswith(_LIST) and not path.exists():
        lines, list_faults = find_inputs(_lines(given.removeprefix(_LIST)), output)
        faults += list_faults
        yield from lines
    elif given and path.is_dir():
        yield from _folder(path.absolute(), output)
    elif given and path.exists():
        yield str(path.absolute())
    elif glob.has_magic(given):
        matches = sorted(glob.glob(given, recursive=True))  # noqa: PTH207  absolute ones, too
        if not matches:
            raise JobError(f"{given}: nothing matches this pattern; check the path")
        for match in matches:
            yield from _inputs(match, output, faults)
    elif given.isascii() and given.isdigit():
        raise JobError(f"{given}: a camera has no end, and is nothing for a batch; use `mot track`")
    else:
        raise JobError(f"{given!r}: no such file or folder; check the path")


def _addresses(given: str, scheme: str) -> Iterator[str]:
    if scheme in ("http", "https"):
        yield given
    elif scheme in SCHEMES:
        raise JobError(f"{scheme}://: a live stream has no end, and is nothing for a batch; use `mot track`")
    else:
        yield from remote.find(given, VIDEOS)


def _lines(name: str) -> list[str]:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        lines = (line.strip() for line in lines_of(text_of(data)))
        return [line for line in lines if line and not line.startswith("#")]
    except OSError as error:
        raise JobError(f"{name}: cannot be read: {error.strerror}; check the path of the list") from error
    except UnicodeDecodeError as error:
        raise JobError(f"{name}: {no_text(error)}") from error


def _folder(folder: Path, output: Path) -> Iterator[str]:
    """The videos and sequences of a folder and of those below it, by name; hidden ones and results are passed over."""
    if folder == output:
        raise JobError(f"{folder}: is the folder of the results, too; choose another --output")
    found = list(_walk(folder, output))
    if not found:
        kinds = " ".join(sorted(VIDEOS))
        raise JobError(f"{folder}: holds no video and no images (looked for {kinds}, and for sequences)")
    yield from found


def _walk(folder: Path, output: Path) -> Iterator[str]:
    try:
        entries = sorted(
            (each for each in os.scandir(folder) if not each.name.startswith(".")), key=lambda each: each.name
        )
    except OSError as error:
        raise JobError(f"{folder}: cannot be listed: {error.strerror}; check the path") from error
    folders = [Path(entry.path) for entry in entries if entry.is_dir()]
    files = [Path(entry.path) for entry in entries if entry.is_file()]
    videos = [path for path in files if path.suffix.lower() in VIDEOS]
    images = any(path.suffix.lower() in EXTENSIONS for path in files)
    if (folder / SEQINFO).is_file() or (folder / "img1").is_dir() or (images and not videos):
        yield str(folder)
        return
    yield from map(str, videos)
    for inner in folders:
        if inner != output:
            yield from _walk(inner, output)
