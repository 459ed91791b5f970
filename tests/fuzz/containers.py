"""Small videos of every usual container, damaged: our reader gives what is there, and tells of what is not."""

from __future__ import annotations

import logging
import math
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self
from zlib import crc32

import cv2
import numpy as np
import numpy.typing as npt

from client.jobs.job import run
from client.jobs.spec import JobSpec, TrackerSpec
from client.video.file import VideoFile
from client.video.open import open_source
from mot.sequence import read_results
from tests.fuzz.container_damage import damages
from tests.fuzz.target import Target
from tests.media import Image, make_video, with_sound

FRAMES = 16

_LENGTH = re.compile(r"\d+:\d\d:\d\d(\.\d+)?")  # as Matroska's tag has it
_TRACKED = 50  # of so many inputs, one is tracked, too
_MOST_MIB = 2048  # of the process; a picture of the largest size, and what is made of it, take half of it
_TOLD = ("is the file cut off or damaged?", "is it damaged", "skipped", "are damaged", "the time stamp of")

Make = Callable[[Path, list[Image]], Path]


def _plain(
    codec: str = "libx264", *, pix_fmt: str = "yuv420p", ticks: int = 1000, rate: int = 10, **options: str
) -> Make:
    return lambda path, images: make_video(
        path, images, codec=codec, pix_fmt=pix_fmt, ticks=ticks, rate=rate, options=options
    )


def _sounding(codec: str = "libx264") -> Make:
    return lambda path, images: with_sound(path, images, FRAMES / 10, codec=codec)


_KINDS: Mapping[str, tuple[Make, ...]] = {
    "mp4": (
        _plain(),
        _plain(movflags="+faststart"),
        _plain(movflags="frag_keyframe+empty_moov"),
        _plain("mpeg4"),
        _sounding(),
    ),
    "mkv": (_plain(), _plain("mpeg4"), _sounding()),
    "avi": (_plain("mpeg4", ticks=10), _plain("mjpeg", pix_fmt="yuvj420p", ticks=10), _sounding("mpeg4")),
    "ts": (_plain(), _plain("mpeg2video", ticks=25, rate=25), _sounding()),
    "webm": (_plain("libvpx"), _plain("libvpx-vp9")),
    "flv": (_plain("flv1"), _plain(), _sounding()),
}


class _Warnings(logging.Handler):
    """Those of the input at hand."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    @property
    def tell_of_damage(self) -> bool:
        return any(words in text for text in self.texts for words in _TOLD)

    def __enter__(self) -> Self:
        logging.getLogger("client").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("client").removeHandler(self)


def read(path: Path) -> None:
    """Every frame of a file, in order; fewer than there were are told of, where anything can tell."""
    with _Warnings() as warnings:
        _read(path, warnings)


def _read(path: Path, warnings: _Warnings) -> None:
    _forget_peak()
    times, shape = [-1.0], None
    with open_source(str(path)) as source:
        assert isinstance(source, VideoFile)
        assert math.isfinite(source.frame_rate) and source.frame_rate > 0, source.frame_rate
        for number, frame in enumerate(source, start=1):
            assert frame.index == number, (frame.index, number)
            assert math.isfinite(frame.time) and frame.time > times[-1], (frame.time, times[-1])
            assert frame.image.dtype == np.uint8 and shape in (None, frame.image.shape), (shape, frame.image.shape)
            times.append(frame.time)
            shape = frame.image.shape
        if len(times) - 1 < FRAMES and not warnings.tell_of_damage:
            reason = untellable(path, np.array(times[1:]), source)
            assert reason, f"silent loss: {len(times) - 1} of {FRAMES} frames at {times[1:]}, {warnings.texts}"
    assert _peak_mib() < _MOST_MIB, f"{_peak_mib():.0f} MiB"


def untellable(path: Path, times: npt.NDArray[np.float64], source: VideoFile) -> str:
    """Why nothing in a file says that frames are missing in it; empty where something does.

    Args:
        times: (N,) seconds of the frames that are there.
    """
    decoding = source._decoding
    stream, packets = decoding.stream, decoding.packets
    steps = np.diff(times) * source.frame_rate
    odd = np.flatnonzero(steps >= 1.3)
    steady = len(times) > 0 and (odd >= len(times) - 2).all()  # the last one may stand for long
    cut = len(times) > 0 and (odd >= len(times) - 5).all()  # in the middle of pictures that refer to later ones
    few = FRAMES - len(times) <= 2
    if packets.discarded:
        return "an edit list hides them"
    if (np.abs(steps[odd] - np.rint(steps[odd])) > 0.3).any():
        return "times are damaged, too, where frames are missing: a pause as good as a gap"
    if 2 * len(odd) > len(steps):
        return "a source that is mostly pauses may be one that is not steady"
    if packets.count >= FRAMES and stream.codec_context.name in ("vp8", "vp9"):
        return "pictures that are only referred to"
    if path.suffix == ".mp4" and packets.count < FRAMES <= stream.frames:
        return "an edit list may leave them out"
    if path.suffix == ".avi" and odd[:1].tolist() == [0] and source._container.streams.audio:
        return "beside sound, an AVI may begin with a picture that stands alone"
    if cut and path.suffix == ".ts":
        return "a transport stream is whole wherever it begins and ends"
    if steady and path.suffix == ".mp4" and not stream.frames:
        return "fragments do not say how many follow"
    if steady and source._container.duration is None and not _LENGTH.fullmatch(stream.metadata.get("DURATION", "")):
        return "no header says how long it is"
    if steady and few:
        return "headers err by two frames at the end"
    return ""


def track(path: Path) -> None:
    """One input of fifty as `mot track` takes it, video included: the folder has whole results or none."""
    if not crc32(path.read_bytes()) % _TRACKED:
        _track(path)


def _track(path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        folder, detections = Path(name, "out"), Path(name, "det.txt")
        detections.write_text("".join(f"{n},-1,{8 + 3 * n},10,10,25,0.9\n" for n in range(1, 4)))
        job = JobSpec(input=str(path), output=folder, name="a", detections=detections, tracker=TrackerSpec(name="byte"))
        whole = set()
        try:
            summary = run(job, None)
            whole = {"a.json", "a.txt", "a.mp4"}
        finally:
            left = {file.name for file in folder.iterdir()} if folder.exists() else set()
            assert left <= (whole or {"a.partial.json", "a.partial.txt", "a.partial.mp4"}), left
        assert left == whole, left
        read_results(folder / "a.txt")
        with open_source(str(job.video_path)) as made:
            assert sum(1 for _ in made) == summary.frames


def _forget_peak() -> None:
    """See proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _target(suffix: str) -> Target:
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 40, (48, 64, 3), dtype=np.uint8)
    images = [cv2.circle(grain + np.uint8(100), (8 + 3 * n, 24), 8, (250, 60, 30), -1) for n in range(FRAMES)]
    with tempfile.TemporaryDirectory() as name:
        made = [make(Path(name, f"{n}.{suffix}"), images) for n, make in enumerate(_KINDS[suffix])]
        _track(made[0])  # the tracker is compiled here, once, and not while an input is timed
        seeds = tuple(path.read_bytes() for path in made)
    return Target(
        name=suffix,
        file=f"video.{suffix}",
        seeds=seeds,
        reads=(read, track),
        mutations=damages(seeds),
        memory_mb=8192,  # of addresses: each thread of a decoder takes 64 MiB that it does not use
    )


TARGETS = tuple(_target(suffix) for suffix in _KINDS)
