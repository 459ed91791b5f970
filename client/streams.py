"""Standard input, output and error, as whoever started the command has left them.

What is printed comes beside the work: a reader that goes away (``| head``), a full disk behind ``>``, or a closed
stream takes no result and no later video with it.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_CLOSED = {0: os.O_RDONLY, 1: os.O_WRONLY, 2: os.O_WRONLY}  # by number: how to open what stands in for it


@contextmanager
def lasting_streams() -> Iterator[None]:
    """For the whole of a command: nothing that is printed within the block can fail.

    Raises:
        SystemExit: at the end, with status 1, where all went well except that output was lost. A reader that went
            away has what it wanted, and is no fault.
    """
    if os.environ.get("COLUMNS", "").strip() == "0":  # of terminals without a size; nothing would be printed
        del os.environ["COLUMNS"]
    _open_closed()
    output = _lasting(1) if sys.stdout is sys.__stdout__ else None  # another one is a program's that embeds us
    if sys.stderr is sys.__stderr__:
        _lasting(2)
    status: Any = 0
    try:
        yield
    except SystemExit as left:
        status = left.code
    if output is not None:
        sys.stdout.flush()
        if output.failure is not None and output.failure.errno != errno.EPIPE:
            sys.stderr.write(f"error: standard output cannot be written: {output.failure.strerror}\n")
            status = status or 1
    raise SystemExit(status)


class _LastingFile(io.FileIO):
    """Takes what is written, also where it cannot be: that is noted, and from then on nothing is tried."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            if self.failure is None:
                return super().write(data)
        except OSError as error:
            self.failure = error
        return memoryview(data).nbytes


def _open_closed() -> None:
    """Give closed streams a place, lest the next file that is opened gets their number, and all that is logged."""
    for number, mode in _CLOSED.items():
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)


def _lasting(number: int) -> _LastingFile:
    """Put a lasting stream in the place of ``sys.stdout`` or ``sys.stderr``."""
    name = {1: "stdout", 2: "stderr"}[number]
    old: TextIO | None = getattr(sys, name)
    if old is not None:
        old.flush()
    file = _LastingFile(number, "w", closefd=False)
    stream = io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=old.encoding if old is not None else "utf-8",
        errors=_HANDLER,
        line_buffering=number == 2 or file.isatty(),
    )
    setattr(sys, name, stream)
    return file


def _bytes_of_names(error: UnicodeError) -> tuple[str | bytes, int]:
    """File names that are no text are written as the bytes that they are; what an encoding lacks, as ``\\u2013``."""
    assert isinstance(error, UnicodeEncodeError)
    return b"".join(map(_encoded, error.object[error.start : error.end])), error.end


def _encoded(character: str) -> bytes:
    try:
        return character.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return character.encode("ascii", "backslashreplace")


_HANDLER = "mot.names"
codecs.register_error(_HANDLER, _bytes_of_names)
