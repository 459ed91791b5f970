"""FFmpeg's opening of a file or address, the same for all."""

from __future__ import annotations

from collections.abc import Mapping

import av
from av.container import InputContainer

# FFmpeg takes a transport stream's jump back by more than 13 hours for its clock's overflow, and so a camera's restart
# for a pause. The pictures' clock goes on after either.
_CLOCK_AS_IT_IS = {"correct_ts_overflow": "0"}


def open_file(path: object, options: Mapping[str, str] | None = None) -> InputContainer:
    """Open a file; raises as :func:`open_container`."""
    # The prefix keeps FFmpeg from taking a colon in the name for a protocol.
    return open_container(f"file:{path}", options)


def open_container(
    address: str, options: Mapping[str, str] | None = None, timeout: tuple[float, float] | None = None
) -> InputContainer:
    """Open what FFmpeg knows, for reading.

    Args:
        timeout: seconds for the opening and for each reading.

    Raises:
        OSError, av.FFmpegError: it cannot be opened.
    """
    # Titles and names of handlers are in whatever alphabet the writer's machine had; nobody here reads them.
    return av.open(address, options={**_CLOCK_AS_IT_IS, **(options or {})}, timeout=timeout, metadata_errors="replace")
