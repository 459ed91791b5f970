"""Frames from a folder of images, or from a MOTChallenge sequence."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from client.video.picture import OneSize
from client.video.source import Source, VideoError, Window
from mot.frame import Frame
from mot.sequence import read_seqinfo
from mot.splits import FRAME_RATES

# What OpenCV's wheels read (modules/imgcodecs); without .pfm, of which it makes black pictures.
EXTENSIONS = frozenset(
    {
        *(".apng", ".avif", ".bmp", ".dib", ".gif", ".hdr", ".j2k", ".jp2", ".jpe", ".jpeg", ".jpg", ".pam", ".pbm"),
        *(".pgm", ".pic", ".png", ".pnm", ".ppm", ".pxm", ".ras", ".sr", ".tif", ".tiff"),
        ".webp",
    }
)
# Files that lie beside images and are none: nobody misses them.
_COMPANIONS = frozenset(
    {".csv", ".db", ".html", ".ini", ".json", ".md", ".npz", ".toml", ".txt", ".xml", ".yaml", ".yml"}
)
DEFAULT_FRAME_RATE = 30.0  # where nothing is known: the rate of most MOTChallenge sequences
SEQINFO = "seqinfo.ini"

log = logging.getLogger(__name__)


class ImageFolder(Source):
    """The images of one folder in natural order (``2.jpg`` before ``10.jpg``); frame N is the N-th image."""

    live = False

    def __init__(
        self,
        folder: Path,
        window: Window,
        *,
        name: str,
        frame_rate: float | None = None,  # None: what is published of a sequence of this name, else 30
        extensions: frozenset[str] = EXTENSIONS,
    ) -> None:
        self._folder = folder
        self.paths = _list_images(folder, extensions)  # the first one is frame 1, whatever the window
        window.check(str(folder), len(self.paths))
        self._window = window
        self.name = name
        self.frame_rate = frame_rate or FRAME_RATES.get(name, DEFAULT_FRAME_RATE)
        self.frame_count: int | None = window.count(len(self.paths))

    def __iter__(self) -> Iterator[Frame]:
        first = self._window.start
        fit = OneSize(str(self._folder))
        for index, path in enumerate(self.paths[first - 1 : self._window.end], start=first):
            yield Frame(index=index, image=fit(read_image(path), index), time=(index - 1) / self.frame_rate)

    def close(self) -> None:
        """Nothing is held between two frames."""


def open_folder(folder: Path, window: Window) -> ImageFolder:
    """A folder of images, a MOT sequence (``seqinfo.ini`` or ``img1/``), or the image folder of one.

    Raises:
        VideoError: there is no image, or fewer than the window wants.
        SequenceError: ``seqinfo.ini`` is malformed.
    """
    place = image_folder(folder)
    if place.info is not None:
        return _open_sequence(place.info.parent, window)
    return ImageFolder(place.path, window, name=folder_name(folder))


@dataclass(frozen=True)
class Place:
    """Where a folder's images lie."""

    path: Path
    info: Path | None  # the sequence's seqinfo.ini


def image_folder(folder: Path) -> Place:
    """Where :func:`open_folder` finds the images.

    Raises:
        SequenceError: ``seqinfo.ini`` is malformed.
    """
    folder = folder.resolve()  # "." and "img1/.." have no name of their own
    if sequence := _sequence(folder):
        info = sequence / SEQINFO
        return Place(sequence / read_seqinfo(info).image_dir, info)
    return Place(folder / "img1" if (folder / "img1").is_dir() else folder, None)


def folder_name(folder: Path) -> str:
    """The name of what :func:`open_folder` opens.

    Raises:
        SequenceError: ``seqinfo.ini`` is malformed.
    """
    folder = folder.resolve()
    if sequence := _sequence(folder):
        return read_seqinfo(sequence / SEQINFO).name
    return folder.parent.name if folder.name == "img1" else folder.name


def _sequence(folder: Path) -> Path | None:
    """The sequence that a folder is, or whose images it holds; None where there is no ``seqinfo.ini``."""
    if (folder / SEQINFO).is_file():
        return folder
    above = folder.parent / SEQINFO
    return folder.parent if above.is_file() and folder == folder.parent / read_seqinfo(above).image_dir else None


def assumed_frame_rate(folder: Path) -> float:
    """Of a sequence that does not say: what is published of one of this name, else 30, with a warning."""
    if folder.name not in FRAME_RATES:
        lacks = f"no frameRate in {SEQINFO}" if (folder / SEQINFO).is_file() else f"no {SEQINFO}"
        log.warning("%s: %s; %g frames per second are assumed", folder, lacks, DEFAULT_FRAME_RATE)
    return FRAME_RATES.get(folder.name, DEFAULT_FRAME_RATE)


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """(H, W, 3) RGB, upright by its EXIF orientation.

    Raises:
        VideoError: the file cannot be read or is not an image.
    """
    try:
        data = np.fromfile(path, np.uint8)
        # imdecode and not imread: it takes paths that are not ASCII on every system, and empty data is an error.
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    except OSError as error:
        raise VideoError(f"{path}: cannot be read: {error.strerror}") from error
    except cv2.error as error:
        raise VideoError(f"{path}: not an image ({data.size} bytes): {error.err}") from error
    if image is None:
        raise VideoError(f"{path}: not an image, or a damaged one ({data.size} bytes); repair or remove it")
    return np.asarray(image, np.uint8)


def _open_sequence(folder: Path, window: Window) -> ImageFolder:
    info = read_seqinfo(folder / SEQINFO)
    extension = info.extension
    source = ImageFolder(
        folder / info.image_dir,
        window,
        name=info.name,
        frame_rate=info.frame_rate or assumed_frame_rate(folder),
        extensions=EXTENSIONS if extension is None else frozenset({"." + extension.lower().lstrip(".")}),
    )
    if (found := len(source.paths)) != info.length and info.length is not None:
        log.warning("%s: seqLength is %d, but there are %d images", folder / SEQINFO, info.length, found)
    return source


def _list_images(folder: Path, extensions: frozenset[str]) -> list[Path]:
    try:
        # Hidden files are not frames: macOS puts a "._1.jpg" beside "1.jpg" on foreign disks.
        files = [path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir()]
    except OSError as error:
        raise VideoError(f"{folder}: cannot be listed: {error.strerror}; check the path") from error
    paths = sorted((p for p in files if p.suffix.lower() in extensions), key=lambda path: _natural(path.name))
    passed = [path for path in files if path.suffix.lower() not in extensions | _COMPANIONS]
    if not paths:
        raise VideoError(
            f"{folder}: no images in this folder (looked for {', '.join(sorted(extensions))}){_those(passed, '; has ')}"
        )
    if passed:
        log.warning("%s: passed over, because they are not read as images here: %s", folder, _those(passed))
    twice = sorted(name for name, count in Counter(path.stem for path in paths).items() if count > 1)
    if twice:
        log.warning(
            "%s: names that occur with several suffixes (%d, e.g. %s); each file is a frame of its own",
            *(folder, len(twice), twice[0]),
        )
    if missing := _missing_numbers([path.stem for path in paths]):
        log.warning(
            "%s: numbers are missing between the names (%s); frames are counted by place, without gaps",
            *(folder, missing),
        )
    return paths


def running_numbers(stems: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """The numbers (N,) that N names end in; None where some do not, or where they begin differently."""
    parts = [re.fullmatch(r"(.*?)([0-9]{1,15})", stem, re.DOTALL) for stem in stems]
    if not all(parts) or len({part[1] for part in parts if part}) > 1:
        return None
    return np.array([int(part[2]) for part in parts if part], np.int64)


def _missing_numbers(stems: list[str]) -> str:
    """``3, 4, 6-8`` of names that end in a running number; nothing where most do not follow one another evenly.

    Every tenth frame, or times of a clock as names, are no gaps.
    """
    numbers = running_numbers(stems)
    if numbers is None or len(numbers) < 3:
        return ""
    steps = np.diff(numbers)
    usual = float(np.median(steps))
    wide = np.flatnonzero(steps > usual)
    if usual <= 0 or not len(wide) or 2 * (steps == usual).sum() < len(steps) or (steps % usual).any():
        return ""
    gaps = [(int(numbers[i] + usual), int(numbers[i + 1] - usual)) for i in wide[:3].tolist()]
    listed = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in gaps)
    return listed + (", ..." if len(wide) > 3 else "")


def _those(paths: list[Path], lead: str = "") -> str:
    """``2 of .heic, 1 of .mov``; nothing for none."""
    counts = Counter(path.suffix.lower() or path.name for path in paths)
    return lead + ", ".join(f"{count} of {kind}" for kind, count in sorted(counts.items())) if counts else ""


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key in which runs of digits count as numbers; equal ones ("1" and "01") keep a fixed order."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name)
    return [(int(digits), "") if digits else (-1, text) for digits, text in parts], name
