"""What it costs in accuracy to track a video in overlapping pieces (`mot batch --pieces`), by TrackEval.

    python tests/benchmarks/pieces.py

Needs the research data, as accuracy.py does, whose scenes and detections these are. Pieces here are far shorter than
the command allows (10 s), so that scenes of 9 and 40 s have several cuts.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from accuracy import ROOT
from refine import MEASURES, SEQUENCES, measure, write
from rich.console import Console
from rich.table import Table
from validation import DISGUISES, record_scene

from client.batch.pieces import cut
from client.detection.onnx import OnnxDetector
from client.outputs.embeddings import embeddings_path, read_embeddings
from client.refine.joining import Piece, join
from client.tuning.recording import Recording
from mot.sequence import read_results, write_results

SECONDS = (2.0, 3.0, 5.0, 10.0)  # of a piece
OVERLAPS = (0.5, 1.0, 2.0, 4.0)  # seconds


def tracked_in_pieces(recording: Recording, result: Path, seconds: float, overlap: float) -> int:
    """Write the joined result; returns how many pieces there were."""
    count, first = len(recording.frames), int(recording.frames[0])
    pieces = []
    for begin, end in cut(count, recording.frame_rate, seconds, overlap):
        places = slice(begin - 1, end)
        part = dataclasses.replace(
            recording,
            frames=recording.frames[places],
            times=recording.times[places],
            detections=recording.detections[places],
        )
        path = result.with_name(f"{result.stem}-{begin}.txt")
        write(part, path)
        looks = read_embeddings(embeddings_path(path))
        last = first + (end or count) - 1
        pieces.append(Piece(first=first + begin - 1, last=last, rows=read_results(path), embeddings=looks))
    write_results(result, join(pieces)[0])
    return len(pieces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "model_repository/fairmot/1/model.onnx")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    arguments = parser.parse_args()
    detector = OnnxDetector(arguments.model)
    for scene in SEQUENCES:
        table = Table(scene.name, "overlap", "pieces", *MEASURES)
        with TemporaryDirectory() as name:
            result = Path(name) / f"{scene.name}.txt"
            recording, _ = record_scene(scene, arguments.data, detector, DISGUISES["as is"])
            write(recording, result)
            table.add_row("whole", "", "1", *measure(result, arguments.data, scene))
            for seconds in SECONDS:
                for overlap in OVERLAPS:
                    pieces = tracked_in_pieces(recording, result, seconds, overlap)
                    if pieces > 1:
                        cells = measure(result, arguments.data, scene)
                        table.add_row(f"{seconds:g} s", f"{overlap:g} s", str(pieces), *cells)
        Console(width=120).print(table)
    detector.close()


if __name__ == "__main__":
    main()
