"""Tracking accuracy at low frame rates: the defaults against the best of a few settings by hand, rate by rate.

    python tests/benchmarks/low_rate.py                     # the shipped model
    python tests/benchmarks/low_rate.py --disguise "as is"
    python tests/benchmarks/low_rate.py --no-embeddings

The validation scenes at their real rates, thinned out; the network runs once over each. Of every k-th frame there are k
choices: up to three, evenly spaced, are tracked, and their mean is shown. Needs the research data (MOT_DATA, by default
../shared/data).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from validation import DISGUISES, SCENES, Disguise, config_for, record_scene, score

from client.detection.onnx import OnnxDetector
from client.tracking import TrackerConfig
from client.tuning.recording import Recording, replay, without_embeddings

ROOT = Path(__file__).resolve().parents[2]
# Frames per second of each scene (PETS's video file says 10, it was taken at 7), and what every k-th frame makes of it.
RATES = {"PETS09-S2L1": (7, (1, 2, 4, 7)), "MOT17-09": (30, (1, 2, 4, 9, 15, 30))}
PHASES = 3
MEASURES = ("HOTA", "MOTA", "IDF1", "Rcll", "Prcn")
BY_HAND: Mapping[str, tuple[str, list[str]]] = {
    "nobody coasts": ("overlap_reid", ["coast=0", "coast_hidden=0"]),
    "nobody coasts, min_hits=1": ("overlap_reid", ["coast=0", "coast_hidden=0", "min_hits=1"]),
    "min_hits=1": ("overlap_reid", ["min_hits=1"]),
    "remembered for 2 s": ("overlap_reid", ["buffer_seconds=2"]),
    "byte": ("byte", []),
    "byte, min_hits=1": ("byte", ["min_hits=1"]),
}


def thinned(recording: Recording, rate: float, stride: int, phase: int) -> Recording:
    """Every ``stride``-th frame from ``phase`` on, of a scene of ``rate`` frames per second."""
    part = slice(phase, None, stride)
    return replace(
        recording,
        frames=recording.frames[part],
        times=(recording.frames[part] - 1) / rate,
        detections=recording.detections[part],
        frame_rate=rate / stride,
    )


def mean(
    config: TrackerConfig, scene: str, recorded: Mapping[str, tuple[Recording, int]], stride: int, data: Path
) -> list[float]:
    """The measures of a tracker, over phases and disguises."""
    rate = RATES[scene][0]
    values = []
    for name, (recording, width) in recorded.items():
        disguise: Disguise = DISGUISES[name]
        for phase in sorted({stride * k // PHASES for k in range(PHASES)}):
            thin = thinned(recording, rate, stride, phase)
            rows = replay(thin, config.tracker(thin.frame_rate))
            found = score(rows, thin, SCENES[scene], data, disguise, width)
            values.append([found[measure] for measure in MEASURES])
    return [float(value) for value in np.mean(values, axis=0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "model_repository/fairmot/1/model.onnx")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    parser.add_argument("--disguise", nargs="+", choices=DISGUISES, default=["as is", "mirrored"])
    parser.add_argument(
        "--tracker-set", action="append", default=[], metavar="KEY=VALUE", help="of the default tracker"
    )
    parser.add_argument("--no-embeddings", action="store_true")
    arguments = parser.parse_args()
    detector = OnnxDetector(arguments.model)
    default = config_for(detector.spec, settings=arguments.tracker_set)
    by_hand = {name: config_for(detector.spec, *chosen) for name, chosen in BY_HAND.items()}
    table = Table("scene", "frames/s", "", *MEASURES, "Δ HOTA", "Δ MOTA", title="Δ: what the best has more")
    for scene, (rate, strides) in RATES.items():
        recorded = {}
        for name in arguments.disguise:
            recording, width = record_scene(SCENES[scene], arguments.data, detector, DISGUISES[name])
            recorded[name] = without_embeddings(recording) if arguments.no_embeddings else recording, width
        for stride in strides:
            rows = {"default": mean(default, scene, recorded, stride, arguments.data)}
            for name, config in by_hand.items():
                rows[name] = mean(config, scene, recorded, stride, arguments.data)
            best = max(list(rows)[1:], key=lambda name: rows[name][0] + rows[name][1])
            for name in ("default", best):
                differences = [max(row[k] for row in rows.values()) - rows["default"][k] for k in (0, 1)]
                shown = [f"{value:+.1f}" for value in differences] if name == "default" else ["", ""]
                cells = (f"{value:.1f}" for value in rows[name])
                table.add_row(scene, f"{rate / stride:.3g}", name, *cells, *shown, end_section=name == best)
    detector.close()
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
