"""Lets every tracker follow a few walkers, so that Numba's cache holds the machine code of all of them."""

import numpy as np

from client.tracking.catalog import TRACKERS
from mot.detections import Detections

_PEOPLE, _FRAMES, _DIMENSION = 6, 40, 64


def walkers(frame: int, rng: np.random.Generator, dimension: int) -> Detections:
    """People who walk to the right; each is missed, or doubtful, now and then."""
    left = np.arange(_PEOPLE) * 60.0 + 2 * frame + rng.normal(0, 1, _PEOPLE)
    top = np.full(_PEOPLE, 40.0) + rng.normal(0, 1, _PEOPLE)
    boxes = np.stack([left, top, left + 30, top + 80], axis=1).astype(np.float32)
    scores = rng.uniform(0.2, 1, _PEOPLE).astype(np.float32)
    embeddings = np.eye(_PEOPLE, dimension, dtype=np.float32)
    seen = np.flatnonzero(rng.uniform(size=_PEOPLE) > 0.2)
    return Detections(boxes=boxes, scores=scores, embeddings=embeddings)[seen[np.argsort(-scores[seen])]]


def main() -> None:
    image = np.random.default_rng(1).integers(0, 255, (240, 480, 3), np.uint8)
    for config in TRACKERS.values():
        for dimension in (_DIMENSION, 0):
            rng = np.random.default_rng(0)
            try:
                tracker = config().tracker(10)
                for frame in range(_FRAMES):
                    tracker.update(walkers(frame, rng, dimension), time=frame / 10, image=image)
            except ValueError:
                if dimension:  # a tracker that wants embeddings does not run without
                    raise


if __name__ == "__main__":
    main()
