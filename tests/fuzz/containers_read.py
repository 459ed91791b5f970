"""What our reader makes of a damaged video, and whether that is right."""

from __future__ import annotations

import logging
import math
import resource
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.jobs.job import run
from client.jobs.spec import JobSpec, TrackerSpec
from client.video.open import open_source
from mot.errors import MotError
from mot.sequence import read_results
from tests.fuzz.containers import FRAMES

_MOST_MIB = 1024  # that an input may take beside what the process has
_TOLD = ("is the file cut off or damaged?", "is it damaged", "skipped", "are damaged")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of an input; ``finding`` is empty where all is as it must be."""

    finding: str
    detail: str = ""


class Messages(logging.Handler):
    """Keeps the warnings of one input."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    @property
    def tell_of_loss(self) -> bool:
        return any(told in text for text in self.texts for told in _TOLD)


def judge(path: Path, messages: Messages, *, whole_run: Path | None = None) -> Verdict:
    """Read a file to its end; with ``whole_run``, a folder, track it there by given detections, video included."""
    messages.texts.clear()
    before = _peak_mib(reset=True)
    try:
        frames = _track(path, whole_run) if whole_run else _read(path)
    except MotError as error:
        return _of_memory(before) or _of_message(path, str(error))
    except AssertionError as error:
        return Verdict(finding=f"wrong: {error}" if str(error) else _place(error), detail=traceback.format_exc())
    except Exception as error:
        return Verdict(finding=f"{type(error).__name__} at {_place(error)}", detail=traceback.format_exc())
    if frames < FRAMES and not messages.tell_of_loss:
        return Verdict(finding="silent loss", detail=f"{frames} frames of {FRAMES}; {messages.texts}")
    return _of_memory(before) or Verdict(finding="")


def _read(path: Path) -> int:
    with open_source(str(path)) as source:
        assert math.isfinite(source.frame_rate) and source.frame_rate > 0, f"rate {source.frame_rate}"
        number, time, shape = 0, -1.0, None
        for number, frame in enumerate(source, start=1):
            assert frame.index == number, "index"
            assert math.isfinite(frame.time) and frame.time > time, "time does not go on"
            assert frame.image.dtype == np.uint8 and frame.image.ndim == 3, "kind of image"
            assert shape in (None, frame.image.shape), "size changes"
            time, shape = frame.time, frame.image.shape
    return number


def _track(path: Path, folder: Path) -> int:
    """As `mot track` does it; afterwards the folder holds whole results or none."""
    for old in folder.iterdir():
        old.unlink()
    detections = folder.parent / "det.txt"
    if not detections.exists():
        detections.write_text("".join(f"{n},-1,{8 + 3 * n},10,10,25,0.9\n" for n in range(1, 4)))
    tracker = TrackerSpec(name="byte")
    job = JobSpec(input=str(path), output=folder, name="a", detections=detections, tracker=tracker)
    try:
        summary = run(job, None)
    finally:
        left = {file.name for file in folder.iterdir()}
        assert left <= {"a.json", "a.partial.json", "a.txt", "a.mp4"}, f"left {sorted(left)}"
    assert left == {"a.json", "a.txt", "a.mp4"}, f"results are missing: {sorted(left)}"
    read_results(folder / "a.txt")
    return summary.frames


def _of_memory(before: float) -> Verdict | None:
    more = _peak_mib() - before
    return Verdict(finding="memory", detail=f"{more:.0f} MiB more") if more > _MOST_MIB else None


def _of_message(path: Path, message: str) -> Verdict:
    named = str(path) in message or path.name in message
    return Verdict(finding="" if named else "error without the file", detail=message)


def _peak_mib(*, reset: bool = False) -> float:
    """The most memory since the last reset, of Linux; see proc(5), clear_refs."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def _place(error: BaseException) -> str:
    """The last place of our own in a traceback, so that like faults are counted together."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/client/" in frame.filename or "/mot/" in frame.filename]
    last = own[-1] if own else frames[-1]
    return f"{Path(last.filename).name}:{last.name}"
