"""Tiny benchmarks in MOTChallenge's layout, in whose pictures the tiny model finds people."""

from __future__ import annotations

from pathlib import Path

from mot.sequence import SeqInfo, write_seqinfo
from tests.command import colours
from tests.media import write_image


def make_sequence(
    folder: Path, length: int, *, images: int | None = None, detections: bool = False, seqinfo: bool = True
) -> Path:
    """A sequence of ``length`` frames.

    Args:
        images: how many of them have a picture; by default all.
        detections: with ``det/det.txt``, in which two people walk to the right.
    """
    (folder / "img1").mkdir(parents=True)
    for number, image in enumerate(colours(length if images is None else images), start=1):
        write_image(folder / f"img1/{number:06d}.png", image)
    if seqinfo:
        info = SeqInfo(name=folder.name, frame_rate=30, length=length, width=64, height=48, extension=".png")
        write_seqinfo(folder / "seqinfo.ini", info)
    if detections:
        make_detections(folder / "det/det.txt", length)
    return folder


def make_detections(path: Path, length: int, *, score: float = 0.9) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (f"{n},-1,{10 + 2 * n + 300 * k},20,20,50,{score}\n" for n in range(1, length + 1) for k in range(2))
    path.write_text("".join(rows))
    return path


def make_benchmark(root: Path, lengths: dict[str, int], *, detections: bool = False) -> Path:
    """A sequence for each name like ``train/MOT17-02-FRCNN``."""
    for name, length in lengths.items():
        make_sequence(root / name, length, detections=detections)
    return root
