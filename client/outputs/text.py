"""Rows in MOTChallenge's format."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TextIO

from client.outputs.sink import FileSink
from client.pipeline.tracked import TrackedFrame
from mot.sequence import format_rows


class MotTextSink(FileSink):
    """MOTChallenge rows ``frame,id,left,top,width,height,score,-1,-1,-1``, boxes with 2 decimals, scores with 4.

    Frames are the source's numbers from 1. Boxes are as tracked and may leave the image.
    """

    _file: TextIO | None = None

    def _open(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii", newline="\n")

    def _write(self, tracked: TrackedFrame) -> None:
        assert self._file is not None, "write outside of the with block"
        self._file.write(format_rows(tracked.frame.index, tracked.tracks))

    def _finish(self) -> bool:
        assert self._file is not None
        self._file.close()
        return True

    def _abandon(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
