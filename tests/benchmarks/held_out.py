"""Accuracy on scenes that a model has not seen at all, each with the model of the fold that was trained without it.

    mot-train fit --recipe default --output runs/fold_09 --set 'leave_out=["mot17-09"]' ...
    python tests/benchmarks/held_out.py runs/fold_*/embedded.pt                   # in all disguises, default tracker
    PYTHONPATH=peers python tests/benchmarks/held_out.py runs/fold_*/embedded.pt --peers   # beside them, the same run
    python tests/benchmarks/held_out.py runs/fold_*/embedded.pt --size 448x256
    python tests/benchmarks/held_out.py runs/fold_*/embedded.pt --tune 60 --setting conf_thres=0.4..0.7

Which scenes a fold holds out, its checkpoint's recipe says (`leave_out`). With --tune, a tracker's settings are
searched as `mot tune` does it, each scene left out in turn and judged by the settings found on the others; scores are
means over the disguises. Data, peers and their packages: as for accuracy.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import accuracy
import numpy as np
from accuracy import ROOT, record_all
from rich.console import Console
from validation import DISGUISES, SCENES, Disguise, Scene, config_for, score

from client.commands.tuning_tables import judged_table, plateau_table
from client.detection.onnx import OnnxDetector
from client.evaluation.scoring import Benchmark
from client.tracking import TRACKERS, TrackerConfig
from client.tuning.recording import Recording, replay
from client.tuning.space import ranges_of
from client.tuning.tune import as_options, tune

sys.path.insert(0, str(ROOT))  # before this script's folder, where `export` would mean another script


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A model, and the scenes that it was trained without."""

    graph: Path
    scenes: tuple[Scene, ...]


@dataclass(frozen=True, kw_only=True)
class Disguised:
    """A scene in the place of a labelled sequence of `mot tune`."""

    name: str
    recorded: Mapping[str, tuple[Recording, int]]  # disguise -> recording, original width
    data: Path

    def score(self, config: TrackerConfig, benchmark: Benchmark) -> dict[str, float]:
        """Means over the disguises, by the scene's own protocol."""
        scores = [
            score(
                replay(recording, config.tracker(recording.frame_rate)),
                recording,
                SCENES[self.name],
                self.data,
                DISGUISES[disguise],
                width,
            )
            for disguise, (recording, width) in self.recorded.items()
        ]
        return {measure: float(np.mean([one[measure] for one in scores])) for measure in scores[0]}


def read_fold(checkpoint: Path, folder: Path, wanted: Iterable[str], arguments: argparse.Namespace) -> Fold:
    """Export a fold's model; its scenes are those of which every data set was left out."""
    from export.cli import parse_thresholds
    from export.export import Export, Notes, export_model
    from training.checkpoint import load_model

    left_out = set(load_model(checkpoint)[1].leave_out)
    scenes = tuple(SCENES[name] for name in wanted if set(SCENES[name].data_sets) <= left_out)
    if not scenes:
        raise SystemExit(f"{checkpoint}: left out {sorted(left_out) or 'nothing'}, which holds out no scene asked for")
    width, height = map(int, arguments.size.split("x")) if arguments.size else (None, None)
    notes = Notes(thresholds=parse_thresholds(arguments.thresholds))
    export = Export(checkpoint=checkpoint, output=folder / "fairmot", width=width, height=height, notes=notes)
    return Fold(graph=export_model(export).graph, scenes=scenes)


def evaluated(folds: Iterable[Fold], disguises: list[Disguise], arguments: argparse.Namespace) -> None:
    """Ours, every scene by its own fold's model, and peers, as one table."""
    scores: dict[str, dict[tuple[str, str], Mapping[str, float]]] = {}
    for fold in folds:
        arguments.model = fold.graph
        for system, found in accuracy.ours(list(fold.scenes), disguises, arguments).items():
            scores.setdefault(system, {}).update(found)
    scenes = [scene for fold in folds for scene in fold.scenes]
    results: dict[str, accuracy.Scores] = dict(scores)
    if arguments.peers:
        results |= accuracy.peers(scenes, disguises, arguments)
    kinds = {scene.name: "held out" for scene in scenes}
    accuracy.report(results, kinds, {scene.name: f"{scene.first}-{scene.last}" for scene in scenes}, arguments)


def tuned(folds: Iterable[Fold], disguises: list[Disguise], arguments: argparse.Namespace) -> None:
    """Settings that do best over all held-out scenes, and what such a search is worth on a scene left out of it."""
    sequences = []
    for fold in folds:
        detector = OnnxDetector(fold.graph)
        base = config_for(detector.spec, arguments.tracker, arguments.tracker_set)
        recorded = record_all("ours", detector, fold.scenes, disguises, arguments)
        for scene in fold.scenes:
            of_scene = {disguise: found for (name, disguise), found in recorded.items() if name == scene.name}
            sequences.append(Disguised(name=scene.name, recorded=of_scene, data=arguments.data))
    ranges = ranges_of(base, arguments.setting)
    found = tune(sequences, base, ranges, tracker=arguments.tracker, trials=arguments.tune)  # type: ignore[arg-type]
    console = Console(width=150)
    console.print(judged_table(found))
    console.print(plateau_table(found))
    console.print(as_options(found.chosen.settings), soft_wrap=True)
    if arguments.json:
        found.save(arguments.json)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path, help="one of each fold")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    parser.add_argument("--scene", nargs="+", choices=SCENES, default=list(SCENES))
    parser.add_argument("--disguise", nargs="+", choices=DISGUISES, default=list(DISGUISES))
    parser.add_argument("--size", help="WIDTHxHEIGHT of the input; by default what the recipe exports")
    parser.add_argument("--thresholds", help="NEW,HIGH,LOW of the models; by default the tracker's own")
    parser.add_argument("--tracker", choices=TRACKERS, default="overlap_reid")
    parser.add_argument("--tracker-set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--no-embeddings", action="store_true")
    parser.add_argument("--frames", type=int, help="of each scene, at most")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--tune", type=int, metavar="TRIALS", help="search settings instead")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME[=LOW..HIGH]")
    parser.add_argument("--each", action="store_true", help="show every disguise")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    parser.add_argument("--markdown", type=Path, help="and the means as a paper's table to this one")
    arguments = parser.parse_args()
    disguises = [DISGUISES[name] for name in arguments.disguise]
    with tempfile.TemporaryDirectory() as name:
        folds = [
            read_fold(checkpoint, Path(name, str(number)), arguments.scene, arguments)
            for number, checkpoint in enumerate(arguments.checkpoints)
        ]
        (tuned if arguments.tune else evaluated)(folds, disguises, arguments)


if __name__ == "__main__":
    main()
