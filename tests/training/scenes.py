"""A scene of drawn people who walk, as a MOTChallenge sequence, and a predictor that sees them perfectly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mot.sequence import MotRows, SeqInfo, write_ground_truth, write_seqinfo
from tests.media import Image, write_image
from tests.training.people import COLOURS

WIDTH, HEIGHT, PEOPLE = 96, 64, 2
TALL, WIDE = 24, 12


def box(identity: int, frame: int) -> tuple[int, int]:
    """Left and top of a person in a frame: they walk apart, two pixels a frame."""
    return (8 + 2 * frame, 4) if identity == 0 else (76 - 2 * frame, 34)


def picture(frame: int) -> Image:
    image = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    for identity in range(PEOPLE):
        x, y = box(identity, frame)
        image[y : y + TALL, x : x + WIDE] = COLOURS[identity]
    return image


def write_scene(root: Path, frames: int = 12, classes: tuple[int, int] = (1, 1)) -> Path:
    """The folder of a sequence whose two people have these MOT16 classes."""
    folder = root / "DRAWN-01"
    for frame in range(1, frames + 1):
        write_image(folder / f"img1/{frame:06d}.png", picture(frame))
    pairs = [(frame, identity) for frame in range(1, frames + 1) for identity in range(PEOPLE)]
    count = len(pairs)
    write_ground_truth(
        folder / "gt/gt.txt",
        MotRows(
            frames=np.array([frame for frame, _ in pairs]),
            ids=np.array([identity + 1 for _, identity in pairs]),
            boxes=np.array([[*box(identity, frame), WIDE, TALL] for frame, identity in pairs], np.float64),
            scores=np.ones(count),
            classes=np.array([classes[identity] for _, identity in pairs]),
            visibilities=np.ones(count),
        ),
    )
    write_seqinfo(
        folder / "seqinfo.ini",
        SeqInfo(name=folder.name, frame_rate=10, length=frames, width=WIDTH, height=HEIGHT, extension=".png"),
    )
    return folder


def perfect(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Finds each colour's rectangle: a :data:`training.measure.Predict` with a row for each person."""
    boxes = torch.zeros(len(images), PEOPLE, 4)
    scores = torch.zeros(len(images), PEOPLE)
    for i, image in enumerate(images):
        for identity in range(PEOPLE):
            distance = (image.float() - torch.tensor(COLOURS[identity])).abs().sum(2)
            rows, columns = torch.nonzero(distance < 60, as_tuple=True)
            if len(rows):
                scores[i, identity] = 0.9
                sides = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                boxes[i, identity] = torch.tensor([float(side) for side in sides])
    return boxes, scores, torch.eye(PEOPLE).expand(len(images), -1, -1)
