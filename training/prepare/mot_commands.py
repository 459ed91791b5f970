"""The commands ``mot-train data mot15`` to ``mot20``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mot.splits import Convention
from training.prepare.command import (
    HalfOption,
    MotSource,
    Name,
    Output,
    Overwrite,
    SplitOption,
    convert_and_report,
    resumable,
    say,
)


def mot15(
    source: MotSource,
    output: Output,
    split: SplitOption = "full",
    half: HalfOption = "bytetrack",
    name: Name = "mot15",
    overwrite: Overwrite = False,
) -> None:
    """MOT15. A missing seqinfo.ini is written into the sequence's folder (else to OUTPUT/NAME/seqinfo).

    Example: mot-train data mot15 2DMOT2015 --output runs/mot15
    """
    _mot(source, output, split, half, name, overwrite, seqinfo=True)


def mot16(
    source: MotSource,
    output: Output,
    split: SplitOption = "full",
    half: HalfOption = "bytetrack",
    name: Name = "mot16",
    overwrite: Overwrite = False,
) -> None:
    """MOT16.

    Example: mot-train data mot16 MOT16 --output runs/mot16
    """
    _mot(source, output, split, half, name, overwrite, expected=5316)


def mot17(
    source: MotSource,
    output: Output,
    split: SplitOption = "full",
    half: HalfOption = "bytetrack",
    detector: Annotated[
        Literal["SDP", "FRCNN", "DPM"], typer.Option(help="Whose folders: the three have the same images.")
    ] = "SDP",
    name: Name = "mot17",
    overwrite: Overwrite = False,
) -> None:
    """MOT17.

    Example: mot-train data mot17 MOT17 --split half --output runs/mot17_half
    """
    _mot(source, output, split, half, name, overwrite, detector=detector, expected=5316)


def mot20(
    source: MotSource,
    output: Output,
    split: SplitOption = "full",
    half: HalfOption = "bytetrack",
    name: Name = "mot20",
    overwrite: Overwrite = False,
) -> None:
    """MOT20. Boxes stay whole; training cuts them to the image (augment.clip_boxes, in the recipe mot20).

    Example: mot-train data mot20 MOT20 --output runs/mot20
    """
    _mot(source, output, split, half, name, overwrite, expected=8931)


def _mot(
    source: Path,
    output: Path,
    split: Literal["full", "half"],
    half: Convention,
    name: str,
    overwrite: bool,
    *,
    detector: str | None = None,
    expected: int | None = None,
    seqinfo: bool = False,
) -> None:
    """What the four commands share."""
    from training.prepare.mot15 import complete_seqinfo
    from training.prepare.mot_challenge import find_sequences, open_sequences, read_mot

    with resumable():
        sequences = open_sequences(find_sequences(source, detector), output / name / "frames")
        for sequence in sequences:
            if seqinfo and (written := complete_seqinfo(sequence, output / name / "seqinfo")):
                say(f"written: {written}")
        reading = read_mot(sequences, half if split == "half" else None, source)
        published = {} if expected is None or split == "half" else {"train": expected}
        convert_and_report(output, name, reading, published, overwrite=overwrite)
