"""How well a network finds and follows people in a scene, as ``mot track`` and ``mot eval`` would."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from client.evaluation.scoring import SequencePair, score_pairs
from client.tracking import tracker_config
from mot.detections import Detections
from mot.frame import Frame
from mot.geometry import Letterbox
from mot.sequence import format_rows
from training.average_precision import average_precision
from training.scene import Scene
from training.scoreboard import MEASURES

BATCH = 8  # frames at once
# Detections below this score are left out of AP50: they are many, and hardly move it.
LEAST_SCORE = 0.05

# uint8 (N, H, W, 3) RGB -> boxes (N, K, 4) xyxy input pixels, scores (N, K), embeddings (N, K, D)
Predict = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


def measure(
    predict: Predict, scene: Scene, *, width: int, height: int, device: torch.device, check: Callable[[], None]
) -> dict[str, float]:
    """The scene's :data:`MEASURES`, with the client's letterbox and tracker at its defaults.

    Args:
        predict: see :class:`training.model.decode.Predictor`.
        width, height: of the network's input, pixels.
        check: called often; what it raises ends the validation.

    Raises:
        MotError: a frame or the labels cannot be read.
    """
    labels = scene.labels()
    found: dict[int, Detections] = {}
    with TemporaryDirectory(prefix="mot-train-") as folder, scene.open() as source:
        tracker = tracker_config().tracker(source.frame_rate)
        result = Path(folder) / "result.txt"
        with result.open("w", encoding="utf-8") as file:
            for index, detections in detect(predict, source, width=width, height=height, device=device):
                file.write(format_rows(index, tracker.update(detections)))
                kept = detections[detections.scores >= LEAST_SCORE]
                found[index] = replace(kept, embeddings=None)
                check()
        pair = SequencePair(
            name=scene.name, ground_truth=scene.ground_truth, result=result, first=min(found), last=max(found)
        )
        scores = score_pairs([pair], benchmark=scene.rules).combined
    counted = scene.scored(labels) | scene.ignored(labels)
    precision = average_precision(found, labels[counted], scene.ignored(labels)[counted])
    return {"AP50": precision, **{name: scores[name] for name in MEASURES[1:]}}


def detect(
    predict: Predict, frames: Iterable[Frame], *, width: int, height: int, device: torch.device
) -> Iterator[tuple[int, Detections]]:
    """Each frame's number and detections, boxes in pixels of the original image."""
    waiting = iter(frames)
    while batch := list(itertools.islice(waiting, BATCH)):
        boxes = [
            Letterbox(source_width=f.image.shape[1], source_height=f.image.shape[0], width=width, height=height)
            for f in batch
        ]
        images = np.stack([box.apply(frame.image) for box, frame in zip(boxes, batch, strict=True)])
        with torch.inference_mode():
            corners, scores, embeddings = (t.cpu().numpy() for t in predict(torch.from_numpy(images).to(device)))
        for i, (box, frame) in enumerate(zip(boxes, batch, strict=True)):
            yield (
                frame.index,
                Detections(
                    boxes=box.inverse(corners[i]).astype(np.float32), scores=scores[i], embeddings=embeddings[i]
                ),
            )
