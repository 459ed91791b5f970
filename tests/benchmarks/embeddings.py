"""How well embeddings know people again, without a tracker: rank 1 among the people of some seconds before.

    python tests/benchmarks/embeddings.py old.onnx new.onnx
    python tests/benchmarks/embeddings.py new.onnx --scene MOT17-02 --gap 0.5..1.5 2..5

Detections become people by the labels (IoU from 0.5, one to one). Each person in each frame asks: of all people found
between the gap's seconds before, is the nearest embedding the same person's? Asked where that person is among them.
Only people whom every model found take part, so that a model that finds the hard ones, too, does not lose by it; "found
by itself" is each model's own people. Whether a scene was trained on, nothing here can check: a scene held out needs
the model of its fold. Data as for accuracy.py.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lap
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from validation import DISGUISES, DISTRACTOR, SCENES, USUAL, Scene, record_scene

from client.detection.onnx import OnnxDetector
from client.tuning.recording import Recording
from mot.geometry import iou_matrix, xywh_to_xyxy

ROOT = Path(__file__).resolve().parents[2]
_SAME_BOX = 0.5  # IoU
_LEAST_SCORE = 0.3
Person = tuple[int, int]  # frame, identity


@dataclass(frozen=True, kw_only=True)
class Rank:
    """How many asked, and how many were right."""

    asked: int
    right: int

    def __str__(self) -> str:
        return f"{100 * self.right / self.asked:.1f} of {self.asked}" if self.asked else "nobody asked"


def people(recording: Recording, scene: Scene, data: Path) -> dict[Person, npt.NDArray[np.float32]]:
    """Embeddings (D,) of the labelled people that were found."""
    truth = scene.truth(data)
    truth = truth[(truth.scores > 0) & (truth.classes != DISTRACTOR)]
    found: dict[Person, npt.NDArray[np.float32]] = {}
    for frame, detections in zip(recording.frames.tolist(), recording.detections, strict=True):
        sure = detections[detections.scores >= _LEAST_SCORE]
        rows = truth[truth.frames == frame]
        if not len(sure) or not len(rows):
            continue
        overlap = iou_matrix(xywh_to_xyxy(rows.boxes).astype(np.float32), sure.boxes)
        _, columns, _ = lap.lapjv(1 - overlap, extend_cost=True, cost_limit=1 - _SAME_BOX)
        assert sure.embeddings is not None
        found |= {
            (frame, identity): sure.embeddings[column]
            for identity, column in zip(rows.ids.tolist(), columns.tolist(), strict=True)
            if column >= 0
        }
    return found


def rank_1(found: Mapping[Person, npt.NDArray[np.float32]], gap: tuple[float, float], rate: float) -> Rank:
    """``gap``: seconds before, from and to; ``rate``: frames per second."""
    if not found:
        return Rank(asked=0, right=0)
    frames, identities = np.array(list(found)).T
    vectors = np.stack(list(found.values()))
    similar = vectors @ vectors.T
    before = (frames[:, None] - frames[None]) / rate
    candidate = (before >= gap[0] - 1e-6) & (before <= gap[1] + 1e-6)
    same = identities[:, None] == identities[None]
    asked = (candidate & same).any(axis=1)
    nearest = np.where(candidate, similar, -np.inf).argmax(axis=1)
    right = asked & (identities[nearest] == identities)
    return Rank(asked=int(asked.sum()), right=int(right.sum()))


def span(text: str) -> tuple[float, float]:
    """``0.5..1.5``."""
    first, last = text.split("..")
    return float(first), float(last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="ONNX files")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    parser.add_argument("--scene", nargs="+", choices=SCENES, default=list(USUAL))
    parser.add_argument("--gap", nargs="+", type=span, default=[(0.5, 1.5), (2.0, 5.0)], metavar="FROM..TO")
    parser.add_argument("--frames", type=int, help="of each scene, at most")
    arguments = parser.parse_args()
    table = Table("scene", "seconds before", "model", "found by all", "found by itself", title="rank 1, per cent")
    for name in arguments.scene:
        scene, found, rate = SCENES[name], {}, 0.0
        for path in arguments.models:
            detector = OnnxDetector(path)
            recording, _ = record_scene(scene, arguments.data, detector, DISGUISES["as is"], arguments.frames)
            detector.close()
            found[path], rate = people(recording, scene, arguments.data), recording.frame_rate
        common = set.intersection(*(set(each) for each in found.values()))
        for gap in arguments.gap:
            for path, each in found.items():
                shared = {person: vector for person, vector in each.items() if person in common}
                ranks = (str(rank_1(people_, gap, rate)) for people_ in (shared, each))
                table.add_row(name, f"{gap[0]:g} to {gap[1]:g}", str(path), *ranks)
            table.add_section()
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
