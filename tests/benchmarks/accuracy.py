"""Tracking accuracy on the validation splits, by TrackEval; one setting for all scenes.

    python tests/benchmarks/accuracy.py                    # the shipped model with the tracker's defaults
    python tests/benchmarks/accuracy.py --grid             # how the result depends on the thresholds
    python tests/benchmarks/accuracy.py --no-embeddings    # motion alone

Needs the research data (MOT_DATA, by default ../shared/data). The network runs once per frame; settings
are then tried on the recorded detections.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track as progress
from rich.table import Table

from client.detection.onnx import OnnxDetector
from client.evaluation.scoring import Protocol, SequencePair, score_pairs
from client.tracking import TRACKERS, OverlapReidConfig, TrackerConfig, tracker_config
from client.video.open import open_source
from mot.detections import Detections
from mot.geometry import Letterbox
from mot.sequence import format_rows

ROOT = Path(__file__).resolve().parents[2]
MEASURES = ("HOTA", "MOTA", "IDF1", "DetA", "AssA", "Rcll", "Prcn", "ID Sw.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Validation:
    """A sequence with the frames that no training has seen."""

    name: str
    source: str
    ground_truth: str
    first: int
    last: int
    protocol: Protocol


SEQUENCES = (
    Validation(
        name="PETS09-S2L1",
        source="videos/vtest.avi",
        ground_truth="mot/PETS09-S2L1/gt/gt.txt",
        first=398,
        last=795,
        protocol="MOT15",
    ),
    Validation(
        name="MOT17-09",
        source="mot/MOT17-09-FRCNN",
        ground_truth="mot/MOT17-09-FRCNN/gt/gt_val_half.txt",
        first=264,
        last=525,
        protocol="MOT17",
    ),
)


def detect(detector: OnnxDetector, data: Path, sequence: Validation) -> tuple[list[Detections], float]:
    """Detections of every validation frame in original-image pixels, and the source's frame rate."""
    answers = []
    with open_source(str(data / sequence.source), start=sequence.first, end=sequence.last) as source:
        frames = sequence.last - sequence.first + 1
        for frame in progress(source, description=sequence.name, total=frames, transient=True):
            height, width = frame.image.shape[:2]
            spec = detector.spec
            box = Letterbox(source_width=width, source_height=height, width=spec.width, height=spec.height)
            found = detector.submit(box.apply(frame.image)).result()
            answers.append(dataclasses.replace(found, boxes=box.inverse(found.boxes).astype(np.float32)))
        return answers, source.frame_rate


def score(
    recorded: list[Detections], frame_rate: float, config: TrackerConfig, data: Path, sequence: Validation
) -> dict[str, float]:
    """Associate recorded detections and evaluate the rows as `mot eval` would."""
    tracker = config.tracker(frame_rate)
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.txt"
        rows = [format_rows(sequence.first + i, tracker.update(found)) for i, found in enumerate(recorded)]
        result.write_text("".join(rows))
        pair = SequencePair(
            name=sequence.name,
            ground_truth=data / sequence.ground_truth,
            result=result,
            first=sequence.first,
            last=sequence.last,
        )
        evaluation = score_pairs([pair], protocol=sequence.protocol)
    return {measure: evaluation.combined[measure] for measure in MEASURES}


def settings(tracker: str, grid: bool) -> list[TrackerConfig]:
    """The tracker's defaults, or a grid around those of the default tracker."""
    if not grid:
        return [tracker_config(tracker)]
    options = {
        "conf_thres": (0.4, 0.45, 0.5, 0.55, 0.6),
        "high_thres": (0.25, 0.3, 0.35, 0.4),
        "look_thres": (0.15, 0.2, 0.3),
    }
    return [
        OverlapReidConfig(**dict(zip(options, values, strict=True)))  # type: ignore[arg-type]
        for values in itertools.product(*options.values())
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "model_repository/fairmot/1/model.onnx")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    parser.add_argument("--tracker", choices=TRACKERS, default="overlap_reid")
    parser.add_argument("--grid", action="store_true", help="of the default tracker")
    parser.add_argument("--no-embeddings", action="store_true")
    parser.add_argument("--top", type=int, default=12, help="settings of the grid to show")
    arguments = parser.parse_args()
    detector = OnnxDetector(arguments.model)
    recordings = [detect(detector, arguments.data, sequence) for sequence in SEQUENCES]
    detector.close()
    if arguments.no_embeddings:
        recordings = [
            ([dataclasses.replace(d, embeddings=d.embeddings[:, :0]) for d in found], rate)
            for found, rate in recordings
        ]
    results = []
    for config in progress(settings(arguments.tracker, arguments.grid), description="settings", transient=True):
        scores = [
            score(found, rate, config, arguments.data, sequence)
            for (found, rate), sequence in zip(recordings, SEQUENCES, strict=True)
        ]
        results.append((sum(s["HOTA"] + s["MOTA"] + s["IDF1"] for s in scores), config, scores))
    results.sort(key=lambda entry: -entry[0])
    for _, config, scores in results[: arguments.top]:
        changed = {k: v for k, v in dataclasses.asdict(config).items() if v != getattr(type(config)(), k)}
        Console().print(f"{arguments.tracker}: {changed or 'defaults'}", highlight=False)
        table = Table("sequence", "frames", "rules", *MEASURES)
        for sequence, values in zip(SEQUENCES, scores, strict=True):
            numbers = [f"{values[m]:.1f}" if m != "ID Sw." else f"{values[m]:.0f}" for m in MEASURES]
            table.add_row(sequence.name, f"{sequence.first}-{sequence.last}", sequence.protocol, *numbers)
        Console().print(table)


if __name__ == "__main__":
    main()
