"""What each step of `mot refine` does to the results of the two validation scenes, by TrackEval.

    python tests/benchmarks/refine.py

Needs the research data, as accuracy.py does, whose scenes and detections these are.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from accuracy import ROOT, SEQUENCES, Validation, detect
from rich.console import Console
from rich.table import Table

from client.evaluate import SequencePair, evaluate
from client.frame import Frame
from client.local import OnnxDetector
from client.refine.looks import LooksSink, looks_path
from client.refine.refinement import RefineConfig, refine_file
from client.sinks import MotTextSink
from client.tracked import TrackedFrame
from client.tracking import tracker_config
from mot.detections import Detections

MEASURES = ("HOTA", "MOTA", "IDF1", "ID Sw.")
STEPS = {
    "as tracked": RefineConfig(max_gap=0, sigma=0),
    **{f"--sigma 0 --max-gap {gap}": RefineConfig(sigma=0, max_gap=gap) for gap in (5, 10, 20, 40)},
    **{f"--max-gap 0 --sigma {sigma}": RefineConfig(max_gap=0, sigma=sigma) for sigma in (1, 2, 3, 4, 8)},
    "(defaults: --max-gap 20 --sigma 3)": RefineConfig(),
    **{f"defaults --min-length {rows}": RefineConfig(min_length=rows) for rows in (5, 10, 20)},
    **{
        f"defaults --link-gap {gap} --link-distance {distance}": RefineConfig(link_gap=gap, link_distance=distance)
        for gap in (30, 120)
        for distance in (0.1, 0.2)
    },
}
BLANK = np.zeros((0, 0, 3), np.uint8)


def write(recorded: list[Detections], frame_rate: float, sequence: Validation, result: Path) -> None:
    """What `mot track --embeddings` writes, with its default tracker."""
    tracker = tracker_config().tracker(frame_rate)
    with MotTextSink(result) as text, LooksSink(looks_path(result)) as looks:
        for i, found in enumerate(recorded):
            frame = Frame(index=sequence.first + i, image=BLANK, time=i / frame_rate)
            tracked = TrackedFrame(frame=frame, tracks=tracker.update(found), detections=found)
            text.write(tracked)
            looks.write(tracked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "model_repository/fairmot/1/model.onnx")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    arguments = parser.parse_args()
    table = Table("mot refine", *(f"{sequence.name} {name}" for sequence in SEQUENCES for name in MEASURES))
    cells: dict[str, list[str]] = {name: [] for name in STEPS}
    detector = OnnxDetector(arguments.model)
    with TemporaryDirectory() as name:
        for sequence in SEQUENCES:
            source = Path(name) / f"{sequence.name}.txt"
            recorded, frame_rate = detect(detector, arguments.data, sequence)
            write(recorded, frame_rate, sequence, source)
            for step, config in STEPS.items():
                target = Path(name) / "refined" / source.name
                refine_file(source, target, config)
                pair = SequencePair(
                    name=sequence.name,
                    ground_truth=arguments.data / sequence.ground_truth,
                    result=target,
                    first=sequence.first,
                    last=sequence.last,
                )
                measured = evaluate([pair], protocol=sequence.protocol).combined
                cells[step] += [f"{measured[measure]:.1f}" for measure in MEASURES[:3]] + [f"{measured['ID Sw.']:.0f}"]
    detector.close()
    for step, row in cells.items():
        table.add_row(step, *row)
    Console(width=190).print(table)


if __name__ == "__main__":
    main()
