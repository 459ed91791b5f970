"""Files of a prepared data set: written whole, and left alone by a second run that would write the same."""

from __future__ import annotations

import os
from pathlib import Path

from mot.files import whole_file


def place_text(path: Path, text: str) -> None:
    """Write a UTF-8 file, unless it holds this text already: its time of change then stays."""
    data = text.encode()
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def place_image(source: Path, destination: Path) -> None:
    """Link ``destination`` to an image that stands elsewhere; a link to another place is replaced.

    An image that already stands at ``destination`` itself, such as a frame taken from a video, is left there.
    """
    if destination.is_symlink():
        if destination.resolve() == source.resolve():
            return
        destination.unlink()
    if not destination.exists():
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.symlink_to(os.path.relpath(source.resolve(), destination.parent.resolve()))
