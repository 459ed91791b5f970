"""A validation scene: the frames of a sequence, their labels, and the rules they are scored by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from client.video.images import ImageFolder
from client.video.open import open_source
from client.video.source import Source
from mot.errors import MotError
from mot.sequence import MotRows, read_ground_truth
from training.frames import check_numbering

# MOT16's classes whose boxes are no pedestrian to be found, nor a mistake to find: person on vehicle, static
# person, distractor, reflection; MOT20 adds the vehicle that is none. Source: TrackEval's MotChallenge2DBox.
DISTRACTORS = {"MOT15": (), "MOT16": (2, 7, 8, 12), "MOT17": (2, 7, 8, 12), "MOT20": (2, 6, 7, 8, 12)}
PEDESTRIAN = 1


class SceneError(MotError):
    """A validation scene is misdescribed, or its labels are missing; the message names it and the remedy."""


class Scene(BaseModel):
    """One table ``[[validation]]`` of a recipe, or one option ``--validate``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sequence: str  # MOTChallenge sequence, folder of images, or video file
    gt: str = "gt.txt"  # a file of the sequence's folder gt/, or a path
    frames: tuple[Annotated[int, Field(ge=1)], int] | None = None  # first and last, from 1; None: all
    rules: Literal["MOT15", "MOT16", "MOT17", "MOT20"] = "MOT17"  # TrackEval's protocol

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.frames is not None and self.frames[1] < self.frames[0]:
            raise ValueError(f"frames {self.frames[0]} to {self.frames[1]} are no range")
        return self

    @property
    def name(self) -> str:
        """For people: the sequence, with its frames where they are a part."""
        name = Path(self.sequence).stem
        return name if self.frames is None else f"{name} {self.frames[0]}-{self.frames[1]}"

    def check(self) -> None:
        """Look for frames and labels, before hours are spent.

        Raises:
            MotError: either is missing, or they count frames differently.
        """
        labels = self.labels()
        with self.open() as source:
            if isinstance(source, ImageFolder):
                check_numbering(source.paths, labels.frames, self.ground_truth)

    def open(self) -> Source:
        """The frames, numbered as in the whole sequence.

        Raises:
            MotError: there are none.
        """
        first, last = self.frames or (1, None)
        return open_source(self.sequence, start=first, end=last)

    def labels(self) -> MotRows:
        """The ground truth of these frames.

        Raises:
            MotError: the file is missing or malformed, or labels nothing in these frames.
        """
        rows = read_ground_truth(self.ground_truth)
        if self.frames is not None:
            rows = rows.between(*self.frames)
        if not self.scored(rows).any():
            raise SceneError(f"{self.ground_truth}: nobody to find in the frames of {self.name!r}; choose others")
        return rows

    @property
    def ground_truth(self) -> Path:
        """The label file: in the sequence's own ``gt/``, in the one beside a video, or at the path itself.

        Raises:
            SceneError: it is in neither place.
        """
        sequence = Path(self.sequence)
        places = [sequence / "gt" / self.gt, sequence.parent / "gt" / self.gt, Path(self.gt)]
        for place in places:
            if place.is_file():
                return place
        raise SceneError(f"validation {self.name!r}: no labels, looked for {', '.join(map(str, places))}; set gt")

    def scored(self, rows: MotRows) -> npt.NDArray[np.bool_]:
        """Which of N rows are people to be found: (N,)."""
        pedestrian = np.ones(len(rows), np.bool_) if self.rules == "MOT15" else rows.classes == PEDESTRIAN
        found: npt.NDArray[np.bool_] = (rows.scores != 0) & pedestrian
        return found

    def ignored(self, rows: MotRows) -> npt.NDArray[np.bool_]:
        """Which of N rows count neither way: (N,)."""
        found: npt.NDArray[np.bool_] = np.isin(rows.classes, DISTRACTORS[self.rules])
        return found


def parse_scene(option: str) -> Scene:
    """``SEQUENCE[,gt=FILE][,frames=FIRST-LAST][,rules=MOT17]``.

    Raises:
        SceneError: naming what is wrong with it.
    """
    sequence, *settings = option.split(",")
    content: dict[str, object] = {"sequence": sequence}
    for setting in settings:
        key, _, value = setting.partition("=")
        content[key] = value.split("-") if key == "frames" else value
    try:
        return Scene.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'frames'}: {e['msg']}" for e in error.errors())
        raise SceneError(
            f"--validate {option!r}: {problems}; expected SEQUENCE[,gt=FILE][,frames=FIRST-LAST][,rules=MOT17]"
        ) from error
