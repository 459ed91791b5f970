"""What each step of `mot refine` does to the results of the two validation scenes, by TrackEval.

    python tests/benchmarks/refine.py

Needs the research data, as accuracy.py does, whose scenes and detections these are. The last row is the smoothing of
StrongSORT's GSI, with its published constants, in place of ours.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from accuracy import ROOT
from rich.console import Console
from rich.table import Table
from scipy.linalg import cho_factor, cho_solve
from validation import DISGUISES, SCENES, USUAL, Scene, config_for, record_scene

from client.detection.onnx import OnnxDetector
from client.evaluation.scoring import SequencePair, score_pairs
from client.outputs.embeddings import EmbeddingsSink, embeddings_path
from client.outputs.text import MotTextSink
from client.pipeline.tracked import TrackedFrame
from client.refine.paths import by_frame, paths
from client.refine.refinement import RefineConfig, refine_file
from client.tracking import TrackerConfig
from client.tuning.recording import Recording
from mot.frame import Frame
from mot.sequence import MotRows, read_results, write_results

SEQUENCES = [SCENES[name] for name in USUAL]
MEASURES = ("HOTA", "MOTA", "IDF1", "ID Sw.")
STEPS = {
    "as tracked": RefineConfig(max_gap=0, sigma=0),
    **{f"--sigma 0 --max-gap {gap}": RefineConfig(sigma=0, max_gap=gap) for gap in (5, 10, 20, 40)},
    **{f"--max-gap 0 --sigma {sigma}": RefineConfig(max_gap=0, sigma=sigma) for sigma in (1, 2, 3, 4, 8)},
    "(defaults: --max-gap 20 --sigma 3)": RefineConfig(),
    **{f"--min-length {rows}": RefineConfig(min_length=rows) for rows in (5, 10, 20)},
    **{
        f"--link-gap {gap} --link-distance {distance}": RefineConfig(link_gap=gap, link_distance=distance)
        for gap in (30, 60, 120)
        for distance in (0.05, 0.1, 0.2)
    },
}
GSI = "--max-gap 20, then GSI's smoothing"
BLANK = np.zeros((0, 0, 3), np.uint8)


def write(recording: Recording, config: TrackerConfig, result: Path) -> None:
    """What `mot track --embeddings` writes with this tracker."""
    tracker = config.tracker(recording.frame_rate)
    with MotTextSink(result) as text, EmbeddingsSink(embeddings_path(result)) as embeddings:
        moments = zip(recording.frames.tolist(), recording.times.tolist(), recording.detections, strict=True)
        for index, time, found in moments:
            frame = Frame(index=index, image=BLANK, time=time)
            tracked = TrackedFrame(frame=frame, tracks=tracker.update(found, time=time), detections=found)
            text.write(tracked)
            embeddings.write(tracked)


def gsi(rows: MotRows, tau: float = 10.0) -> MotRows:
    """A Gaussian process through each track, as the published code of StrongSORT++ sets it up (`GSI.py`).

    Squared-exponential kernel of unit variance, its length by the track's; noise 1e-10, the default of the library
    used there; left, top, width and height apart.
    """
    smoothed = []
    for path in paths(rows):
        length = np.clip(tau * np.log(tau**3 / len(path)), 1 / tau, tau**2)
        kernel = np.exp(-0.5 * (np.subtract.outer(path.frames, path.frames) / length) ** 2)
        weights = cho_solve(cho_factor(kernel + 1e-10 * np.eye(len(path))), path.boxes)
        boxes = kernel @ weights
        boxes[:, 2:] = boxes[:, 2:].clip(min=0.01)
        smoothed.append(dataclasses.replace(path, boxes=boxes))
    return by_frame(smoothed, rows)


def measure(result: Path, data: Path, sequence: Scene) -> list[str]:
    """Cells of the table, in the order of MEASURES."""
    pair = SequencePair(
        name=sequence.name,
        ground_truth=data / sequence.ground_truth,
        result=result,
        first=sequence.first,
        last=sequence.last,
    )
    measured = score_pairs([pair], benchmark=sequence.benchmark).combined
    return [f"{measured[name]:.0f}" if name == "ID Sw." else f"{measured[name]:.1f}" for name in MEASURES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "model_repository/fairmot/1/model.onnx")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    arguments = parser.parse_args()
    table = Table("mot refine", *(f"{sequence.name} {name}" for sequence in SEQUENCES for name in MEASURES))
    cells: dict[str, list[str]] = {name: [] for name in (*STEPS, GSI)}
    detector = OnnxDetector(arguments.model)
    with TemporaryDirectory() as name:
        for sequence in SEQUENCES:
            source = Path(name) / f"{sequence.name}.txt"
            recording, _ = record_scene(sequence, arguments.data, detector, DISGUISES["as is"])
            write(recording, config_for(detector.spec), source)
            target = Path(name) / "refined" / source.name
            for step, config in STEPS.items():
                refine_file(source, target, config)
                cells[step] += measure(target, arguments.data, sequence)
            refine_file(source, target, RefineConfig(sigma=0))
            write_results(target, gsi(read_results(target)))
            cells[GSI] += measure(target, arguments.data, sequence)
    detector.close()
    for step, row in cells.items():
        table.add_row(step, *row)
    Console(width=190).print(table)


if __name__ == "__main__":
    main()
