"""What MOT15's published folders lack: ``seqinfo.ini``, which trackers and TrackEval ask for."""

from __future__ import annotations

from pathlib import Path

from mot.sequence import SeqInfo, write_seqinfo
from mot.splits import FRAME_RATES
from training.prepare.images import image_size
from training.prepare.mot_challenge import MotSequence


def complete_seqinfo(sequence: MotSequence, fallback: Path) -> Path | None:
    """Write a missing ``seqinfo.ini``; returns its path, None if nothing was missing.

    It goes into the sequence's folder, because that is where tools look; where that cannot be written, to
    ``fallback/SEQUENCE/seqinfo.ini``. Sequences that MOT15 does not know get 30 frames a second.

    Raises:
        DataError: the first image cannot be read.
        OSError: neither place can be written.
    """
    path = sequence.folder / "seqinfo.ini"
    other = fallback / sequence.folder.name / "seqinfo.ini"
    if path.exists() or other.exists():
        return None
    image = sequence.frames[min(sequence.frames)]
    width, height = image_size(image)
    info = SeqInfo(
        name=sequence.folder.name,
        frame_rate=FRAME_RATES.get(sequence.folder.name, 30.0),
        length=sequence.length,
        width=width,
        height=height,
        extension=image.suffix,
    )
    try:
        write_seqinfo(path, info)
    except OSError:
        path = other
        write_seqinfo(path, info)
    return path
