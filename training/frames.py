"""Which image of a sequence is which frame: one rule for training data, validation and the client.

Frame N is the N-th image, in the client's order. MOTChallenge's labels may mean the number in the file's name
instead; where the two differ, and the labels do not decide it, the sequence is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from client.video.images import open_folder, running_numbers
from client.video.source import Window
from mot.errors import MotError


class NumberingError(MotError):
    """A sequence's images and labels count frames differently; the message names both and the remedy."""


def sequence_images(folder: Path) -> list[Path]:
    """The images of a sequence's folder; the first one is frame 1. What the client tracks, hidden files left out.

    Raises:
        MotError: there are none, or seqinfo.ini is malformed.
    """
    return list(open_folder(folder, Window()).paths)


def check_numbering(images: Sequence[Path], labelled: npt.NDArray[np.int64], labels: Path) -> None:
    """Do nothing where names and places of images agree, or the labels can only mean places.

    Args:
        images: in their order.
        labelled: (N,) frames of the label rows.
        labels: for the message.

    Raises:
        NumberingError: the labels go by the numbers in the names, or could.
    """
    named = running_numbers([image.stem for image in images])
    if named is None or not len(named):
        return
    places = np.arange(1, len(images) + 1)
    if (named == places).all():
        return
    labelled = np.unique(labelled)
    by_place = labelled.max(initial=0) <= len(images)
    by_name = bool(np.isin(labelled, named).all())
    if by_place and (named[0] == 0 or not by_name):
        return
    wrong = int(np.flatnonzero(named != places)[0])
    raise NumberingError(
        f"{images[wrong]}: is image {wrong + 1} of its folder, hence frame {wrong + 1}, but {labels} has rows up to "
        f"frame {labelled.max()}, of images {named[0]} to {named[-1]} by their names; number the images from 1 "
        "without gaps, and the labels likewise"
    )
