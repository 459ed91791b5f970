"""``seqinfo.ini``: what MOTChallenge says of a sequence."""

from __future__ import annotations

import configparser
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from mot.errors import shortened, shown
from mot.files import whole_file
from mot.table import SequenceError, read_text


@dataclass(frozen=True, kw_only=True)
class SeqInfo:
    """What ``seqinfo.ini`` says of a sequence; None: it does not say."""

    name: str  # one path component, no separator
    image_dir: str = "img1"  # relative to the sequence's folder
    frame_rate: float | None = None  # frames per second
    length: int | None = None  # frames
    width: int | None = None  # pixels
    height: int | None = None  # pixels
    extension: str | None = ".jpg"  # of the images, with its dot; None: images of every kind


_LARGEST = 2**31 - 1  # frames or pixels; more than any video has
_KEYS = {
    "name": "name",
    "image_dir": "imDir",
    "frame_rate": "frameRate",
    "length": "seqLength",
    "width": "imWidth",
    "height": "imHeight",
    "extension": "imExt",
}


def read_seqinfo(path: Path) -> SeqInfo:
    """Read ``seqinfo.ini``. Keys may be missing: the name is then the folder's, and images are in ``img1``.

    Raises:
        SequenceError: the file cannot be read, or a key is empty, not a positive number, or a path that leaves the
            sequence's folder.
    """
    section = _section(path)
    there = {key for key in _KEYS.values() if _value(path, section, key) is not None}
    return SeqInfo(
        name=_inner_path(path, section, "name", depth=1) if "name" in there else path.absolute().parent.name,
        image_dir=_inner_path(path, section, "imDir", depth=8) if "imDir" in there else "img1",
        frame_rate=_positive(path, section, "frameRate") if "frameRate" in there else None,
        length=_positive_whole(path, section, "seqLength") if "seqLength" in there else None,
        width=_positive_whole(path, section, "imWidth") if "imWidth" in there else None,
        height=_positive_whole(path, section, "imHeight") if "imHeight" in there else None,
        extension=section.get("imExt"),
    )


def read_length(path: Path) -> int:
    """How many frames ``seqinfo.ini`` says there are; all that scoring needs of it.

    Raises:
        SequenceError: the file cannot be read, or the key is missing or not a positive whole number.
    """
    section = _section(path)
    if _value(path, section, "seqLength") is None:
        raise SequenceError(f"{path}: key seqLength is missing in section [Sequence]; add the number of frames")
    return _positive_whole(path, section, "seqLength")


def write_seqinfo(path: Path, info: SeqInfo) -> None:
    """Write ``seqinfo.ini``; the file appears whole or not at all."""
    values = {key: getattr(info, name) for name, key in _KEYS.items()}
    if info.frame_rate is not None:
        values["frameRate"] = np.format_float_positional(info.frame_rate, trim="-")
    with whole_file(path) as temporary:
        temporary.write_text(
            "[Sequence]\n" + "".join(f"{key}={value}\n" for key, value in values.items() if value is not None), "utf-8"
        )


def _section(path: Path) -> configparser.SectionProxy:
    """The file's only section."""
    # No interpolation: a per cent sign in a name is only a character.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_text(path))
    except configparser.Error as error:
        raise SequenceError(f"{path}: not an ini file: {shortened(error.message)}") from error
    if not parser.has_section("Sequence"):
        raise SequenceError(f"{path}: section [Sequence] is missing")
    return parser["Sequence"]


def _value(path: Path, section: configparser.SectionProxy, key: str) -> str | None:
    """The key's text, None where it is missing."""
    text = section.get(key)
    if text is not None and not text.strip():
        raise SequenceError(f"{path}: key {key} is empty in section [Sequence]; give a value, or remove the line")
    return text


def _positive(path: Path, section: configparser.SectionProxy, key: str) -> float:
    try:
        value = float(section[key])
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise SequenceError(f"{path}: key {key} is {shown(section[key])}, not a positive number")
    return value


def _positive_whole(path: Path, section: configparser.SectionProxy, key: str) -> int:
    value = _positive(path, section, key)
    if value != int(value) or value > _LARGEST:
        raise SequenceError(f"{path}: key {key} is {shown(section[key])}, not a whole number up to {_LARGEST}")
    return int(value)


def _inner_path(path: Path, section: configparser.SectionProxy, key: str, depth: int) -> str:
    """A relative path of at most ``depth`` parts that cannot leave its folder: files are named after it."""
    parts = PurePosixPath(section[key].replace("\\", "/")).parts
    if not parts or "\0" in section[key] or ".." in parts or "/" in parts or len(parts) > depth:
        raise SequenceError(f"{path}: key {key} is {shown(section[key])}; expected a name inside the sequence's folder")
    return section[key]
