"""Tracking accuracy on validation scenes in disguises, ours and peers' side by side; one setting for all scenes.

    python tests/benchmarks/accuracy.py                                    # the shipped model, the default tracker
    python tests/benchmarks/accuracy.py --model runs/mine/model.onnx       # or a model repository
    python tests/benchmarks/accuracy.py --scene MOT17-09 MOT17-02 --held-out MOT17-09 MOT17-02 --model ...
    python tests/benchmarks/accuracy.py --tracker byte --tracker-set conf_thres=0.5
    python tests/benchmarks/accuracy.py --frames 40 --disguise "as is" mirrored            # a quick look

Needs the research data (MOT_DATA, by default ../shared/data). Peers run where their package is; it needs no place in
the project's environment:

    pip install --target peers --no-deps trackers==2.6.1 supervision==0.31.2 pydeprecate defusedxml requests tqdm
    PYTHONPATH=peers python tests/benchmarks/accuracy.py --peers

Each network runs once over a scene and image disguise; trackers then run on what was recorded. A scene is called held
out where no frame of it was trained on (``--held-out``, which nothing here can check), else seen: its frames here are
no training frames, but others of the same place are.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from validation import DISGUISES, MEASURES, SCENES, USUAL, Disguise, Scene, config_for, record_scene, score, taken

from client.detection.detector import Detector
from client.detection.onnx import OnnxDetector
from client.tracking import TRACKERS
from client.tuning.recording import Recording, replay, without_embeddings
from mot.sequence import MotRows

ROOT = Path(__file__).resolve().parents[2]
MAIN = ("HOTA", "MOTA", "IDF1", "Prcn")
Scores = Mapping[tuple[str, str], Mapping[str, float]]  # scene, disguise -> measure -> value
Recordings = Mapping[tuple[str, str], tuple[Recording, int]]  # scene, disguise -> recording, original width
Follow = Callable[[Recording], MotRows]


def record_all(
    name: str, detector: Detector, scenes: Iterable[Scene], disguises: Iterable[Disguise], arguments: argparse.Namespace
) -> Recordings:
    """Run a network over each scene and image disguise; those that only choose frames share one run."""
    recordings: dict[tuple[str, str], tuple[Recording, int]] = {}
    jobs = [(scene, disguise) for scene in scenes for disguise in disguises]
    with Progress(transient=True) as progress:
        task = progress.add_task(name, total=len(jobs))
        plain: dict[str, tuple[Recording, int]] = {}
        for scene, disguise in jobs:
            progress.update(task, description=f"{name}: {scene.name}, {disguise.name}")
            if disguise.image:
                found = record_scene(scene, arguments.data, detector, disguise, arguments.frames)
            else:
                if scene.name not in plain:
                    plain[scene.name] = record_scene(scene, arguments.data, detector, disguise, arguments.frames)
                found = plain[scene.name]
            recordings[scene.name, disguise.name] = taken(found[0], disguise), found[1]
            progress.advance(task)
    detector.close()
    return recordings


def score_all(recordings: Recordings, follow: Follow, data: Path) -> Scores:
    """Scores of one tracker on every recording."""
    return {
        (scene, disguise): score(follow(recording), recording, SCENES[scene], data, DISGUISES[disguise], width)
        for (scene, disguise), (recording, width) in recordings.items()
    }


def ours(scenes: list[Scene], disguises: list[Disguise], arguments: argparse.Namespace) -> dict[str, Scores]:
    """The model with one of our trackers."""
    path = arguments.model
    detector = OnnxDetector(path if path.is_file() else path / "fairmot/1/model.onnx")
    config = config_for(detector.spec, arguments.tracker, arguments.tracker_set)

    def follow(recording: Recording) -> MotRows:
        bare = without_embeddings(recording) if arguments.no_embeddings else recording
        return replay(bare, config.tracker(recording.frame_rate))

    name = f"ours, {arguments.tracker}" + (" without embeddings" if arguments.no_embeddings else "")
    return {name: score_all(record_all("ours", detector, scenes, disguises, arguments), follow, arguments.data)}


def peers(scenes: list[Scene], disguises: list[Disguise], arguments: argparse.Namespace) -> dict[str, Scores]:
    """Every published detector with every published tracker, each pair at its best single setting."""
    from accuracy_peers import DETECTORS, SETTINGS, follow
    from accuracy_peers import TRACKERS as PEER_TRACKERS

    results: dict[str, Scores] = {}
    for name, (file, make) in DETECTORS.items():
        recordings = record_all(name, make(arguments.data / file), scenes, disguises, arguments)
        as_is = {key: value for key, value in recordings.items() if key[1] == "as is"}
        for tracker in PEER_TRACKERS:

            def total(settings: Mapping[str, float], tracker: str = tracker, chosen: Recordings = as_is) -> float:
                scores = score_all(chosen, lambda recording: follow(recording, tracker, settings), arguments.data)
                return sum(values[m] for values in scores.values() for m in ("HOTA", "MOTA", "IDF1"))

            best = max(SETTINGS, key=total)
            label = f"{name} + {tracker} ({', '.join(f'{value:g}' for value in best.values())})"
            results[label] = score_all(
                recordings,
                lambda recording, tracker=tracker, best=best: follow(recording, tracker, best),
                arguments.data,
            )
    return results


def spread(scores: Scores, scene: str, measure: str) -> tuple[float, float]:
    """Mean and standard deviation over a scene's disguises."""
    values = [one[measure] for (of, _), one in scores.items() if of == scene]
    return float(np.mean(values)), float(np.std(values))


def overall(scores: Scores, measure: str) -> float:
    """Mean over scenes of the means over disguises."""
    return float(np.mean([spread(scores, scene, measure)[0] for scene in dict.fromkeys(key[0] for key in scores)]))


def show(results: Mapping[str, Scores], kinds: Mapping[str, str], frames: Mapping[str, str], detailed: bool) -> None:
    """Tables: each system on each scene, and all scenes together against ours."""
    console = Console(width=150)
    for scene, kind in kinds.items():
        table = Table("", *MAIN, title=f"{scene} {frames[scene]}, {kind}; mean ± deviation over disguises")
        for system, scores in results.items():
            cells = (spread(scores, scene, measure) for measure in MAIN)
            table.add_row(system, *(f"{mean:.1f} ± {deviation:.1f}" for mean, deviation in cells), end_section=detailed)
            if detailed:
                for (of, disguise), values in scores.items():
                    if of == scene:
                        table.add_row(f"  {disguise}", *(f"{values[measure]:.1f}" for measure in MAIN))
        console.print(table)
    first, *_ = results
    differing = (f"Δ {measure}" for measure in MAIN)
    table = Table("", *MAIN, *differing, title="mean over scenes; Δ: what ours has more")
    for system, scores in results.items():
        values = [overall(scores, measure) for measure in MAIN]
        gains = [overall(results[first], measure) - value for measure, value in zip(MAIN, values, strict=True)]
        differences = ["" if system == first else f"{gain:+.1f}" for gain in gains]
        table.add_row(system, *(f"{value:.1f}" for value in values), *differences)
    console.print(table)


def markdown(results: Mapping[str, Scores], kinds: Mapping[str, str], frames: Mapping[str, str]) -> str:
    """Means over disguises as rows of a paper's table."""
    lines = [f"| scene | | {' | '.join(MAIN)} |", "|---" * (len(MAIN) + 2) + "|"]
    for scene, kind in kinds.items():
        for number, (system, scores) in enumerate(results.items()):
            cells = " | ".join(f"{spread(scores, scene, measure)[0]:.1f}" for measure in MAIN)
            lines.append(f"| {'' if number else f'{scene}, {frames[scene]}, {kind}'} | {system} | {cells} |")
    for number, (system, scores) in enumerate(results.items()):
        cells = " | ".join(f"{overall(scores, measure):.1f}" for measure in MAIN)
        lines.append(f"| {'' if number else 'mean'} | {system} | {cells} |")
    return "\n".join(lines) + "\n"


def document(results: Mapping[str, Scores], kinds: Mapping[str, str]) -> str:
    """Every number, as JSON."""
    systems = {
        system: {
            scene: {disguise: dict(values) for (of, disguise), values in scores.items() if of == scene}
            for scene in kinds
        }
        for system, scores in results.items()
    }
    return json.dumps({"scenes": dict(kinds), "measures": MEASURES, "systems": systems}, indent=2) + "\n"


def report(
    results: Mapping[str, Scores], kinds: Mapping[str, str], frames: Mapping[str, str], arguments: argparse.Namespace
) -> None:
    """Print the tables, and write the files that were asked for."""
    show(results, kinds, frames, arguments.each)
    if arguments.json:
        arguments.json.write_text(document(results, kinds), encoding="utf-8")
    if arguments.markdown:
        arguments.markdown.write_text(markdown(results, kinds, frames), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "model_repository", help="repository or ONNX file")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    parser.add_argument("--scene", nargs="+", choices=SCENES, default=list(USUAL))
    parser.add_argument("--held-out", nargs="*", choices=SCENES, default=[], help="scenes without a training frame")
    parser.add_argument("--disguise", nargs="+", choices=DISGUISES, default=list(DISGUISES))
    parser.add_argument("--frames", type=int, help="of each scene, at most")
    parser.add_argument("--tracker", choices=TRACKERS, default="overlap_reid")
    parser.add_argument("--tracker-set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--no-embeddings", action="store_true")
    parser.add_argument("--peers", action="store_true", help="published detectors and trackers, too")
    parser.add_argument("--each", action="store_true", help="show every disguise")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    parser.add_argument("--markdown", type=Path, help="and the means as a paper's table to this one")
    arguments = parser.parse_args()
    if arguments.peers and "as is" not in arguments.disguise:
        parser.error("peers' settings are chosen on 'as is'; keep it among --disguise")
    scenes = [SCENES[name] for name in arguments.scene]
    disguises = [DISGUISES[name] for name in arguments.disguise]
    results = ours(scenes, disguises, arguments)
    if arguments.peers:
        results |= peers(scenes, disguises, arguments)
    kinds = {scene.name: "held out" if scene.name in arguments.held_out else "seen" for scene in scenes}
    frames = {scene.name: f"{scene.first}-{scene.last}" for scene in scenes}
    if arguments.frames:
        frames = {name: f"{text}, the first {arguments.frames} frames of them" for name, text in frames.items()}
    report(results, kinds, frames, arguments)


if __name__ == "__main__":
    main()
