"""Zip files of images: unpacked only where all of it can be trusted."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from client.ui.settings import Limits
from client.ui.work.faults import FaultError

IMAGES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_RATIO = 200  # unpacked / packed of a file; pictures hardly shrink, bombs shrink a thousandfold
_SMALL = 1 << 20  # bytes below which the ratio says nothing: a plain picture
_CHUNK = 1 << 20
_PASSED_OVER = re.compile(r"(^|/)(__MACOSX/|\.)")  # what systems add of their own


def unpack_images(archive: Path, folder: Path, limits: Limits) -> int:
    """Put the images of ``archive`` into ``folder`` as ``000001.jpg``, ... in natural order; returns their number.

    Names from the archive are not used as paths. Sizes are counted while unpacking, not believed.

    Raises:
        FaultError: it is damaged, holds no images or what is none, leads out of its folder, or is too much.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = _images(content, limits)
            folder.mkdir(parents=True, exist_ok=True)
            left = limits.unpacked_bytes
            for number, member in enumerate(members, start=1):
                suffix = PurePosixPath(member.filename).suffix.lower()
                left -= _unpack(content, member, folder / f"{number:06d}{suffix}", left, limits)
            return len(members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FaultError("zip_damaged", f"the zip cannot be unpacked: {error}") from error


def _images(content: zipfile.ZipFile, limits: Limits) -> list[zipfile.ZipInfo]:
    members = []
    for member in content.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", member.filename):
            raise FaultError("zip_unsafe", f"the zip holds a name that leads out of its folder: {member.filename!r}")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise FaultError("zip_unsafe", f"the zip holds a link: {member.filename!r}")
        if not member.is_dir() and not _PASSED_OVER.search(str(path)) and path.suffix.lower() in IMAGES:
            members.append(member)
    if not members:
        kinds = ", ".join(sorted(each[1:] for each in IMAGES))
        raise FaultError("zip_empty", f"there is no image in the zip; {kinds} are read", kinds=kinds)
    if len(members) > limits.images:
        raise FaultError(
            "zip_many", f"the zip holds {len(members)} images; the limit is {limits.images}", limit=limits.images
        )
    if (said := sum(member.file_size for member in members)) > limits.unpacked_bytes:
        raise _too_much(said, limits)
    return sorted(members, key=lambda member: _natural(member.filename))


def _unpack(content: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, left: int, limits: Limits) -> int:
    written = 0
    with content.open(member) as source, path.open("wb") as target:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            bomb = written > _SMALL and written > _RATIO * max(1, member.compress_size)
            if written > left or bomb:
                raise _too_much(limits.unpacked_bytes - left + written, limits)
            target.write(chunk)
    return written


def _too_much(size: int, limits: Limits) -> FaultError:
    return FaultError(
        "zip_bomb",
        f"the zip unpacks to {size} bytes or more; the limit is {limits.unpacked_bytes}",
        limit=limits.unpacked_bytes,
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """``2.jpg`` before ``10.jpg``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]
