"""What a detector and a tracker say of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice


@dataclass(frozen=True, kw_only=True)
class Detections:
    """People found in one frame, best score first.

    The frame of reference of ``boxes`` is the holder's: input pixels as a detector returns them,
    original-image pixels as a tracker takes them.
    """

    boxes: npt.NDArray[np.float32]  # (N, 4) xyxy, pixels
    scores: npt.NDArray[np.float32]  # (N,) 0..1
    embeddings: npt.NDArray[np.float32] | None = None  # (N, D) length 1; None: the source has none
    classes: npt.NDArray[np.int64] | None = None  # (N,) tracked apart from each other; None: all the same

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if (self.boxes.shape, self.scores.shape) != ((count, 4), (count,)):
            raise ValueError(f"boxes {self.boxes.shape} and scores {self.scores.shape} are not (N, 4) and (N,)")
        embeddings = self.embeddings
        if embeddings is not None and (embeddings.ndim != 2 or len(embeddings) != count or not embeddings.shape[1]):
            raise ValueError(
                f"embeddings {embeddings.shape} are not ({count}, D), as boxes {self.boxes.shape} would have it; "
                "where there are none, give None"
            )
        if self.classes is not None and self.classes.shape != (count,):
            raise ValueError(f"classes {self.classes.shape} are not (N,), as boxes {self.boxes.shape} would have it")

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: Index) -> Detections:
        """The chosen rows."""
        return Detections(
            boxes=self.boxes[index],
            scores=self.scores[index],
            embeddings=None if self.embeddings is None else self.embeddings[index],
            classes=None if self.classes is None else self.classes[index],
        )

    @classmethod
    def empty(cls, embedding_dim: int = 0) -> Detections:
        """Nobody; ``embedding_dim``: D, 0 for a source without embeddings."""
        return cls(
            boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            embeddings=np.zeros((0, embedding_dim), np.float32) if embedding_dim else None,
        )


@dataclass(frozen=True, kw_only=True)
class Tracks:
    """Tracked people of one frame, by ascending id."""

    ids: npt.NDArray[np.int64]  # (M,) from 1, unique within a tracker
    boxes: npt.NDArray[np.float32]  # (M, 4) xyxy, pixels, original image
    scores: npt.NDArray[np.float32]  # (M,) of the detection last matched
    detections: npt.NDArray[np.int64]  # (M,) row of that detection in what the tracker was given; -1: not in this frame
    states: npt.NDArray[np.int8] | None = None  # (M,) client.tracking.State; None: not known
    classes: npt.NDArray[np.int64] | None = None  # (M,) of the detections; None: all the same

    def __len__(self) -> int:
        return len(self.ids)
