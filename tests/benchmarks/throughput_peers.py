"""Frames per second beside what a user puts together in an afternoon: published detectors with BoT-SORT.

    PYTHONPATH=peers python tests/benchmarks/throughput_peers.py $(mot sample)
    ... --model-repository runs/export --rounds 5 --frames 300

`mot track --engine local --no-video` with each model of the repository, and YOLOX-nano 416 and RTMDet-nano 640x352 with
trackers' BoT-SORT without camera motion, all on the same frames, decoding included. Every side has as many images at a
time in the network as there are cores, one thread each. Sides take turns in one run, so that ratios hold on a machine
that drifts. Data and packages of the peers: as for accuracy.py.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does, before numpy is imported

from accuracy_peers import DETECTORS, SETTINGS, TRACKERS, PublishedDetector
from rich.console import Console
from rich.table import Table
from validation import config_for

from client.detection.onnx import available_cores
from client.jobs.job import result_sinks
from client.jobs.spec import JobSpec
from client.jobs.tracking import track_source
from client.serving.model import models_in
from client.serving.network import MODEL_REPOSITORY, NetworkConfig, open_network
from client.video.open import open_source
from mot.detections import Detections

_PEER, _AHEAD = "BoT-SORT", 2  # as the local engine keeps frames ahead of those being computed
ROOT = Path(__file__).resolve().parents[2]


def ours(repository: Path, name: str, video: str, frames: int, folder: Path, stack: ExitStack) -> Callable[[], float]:
    """Frames per second of `mot track --engine local --no-video --model NAME`."""
    network = stack.enter_context(open_network(NetworkConfig(kind="local", model_repository=repository, model=name)))
    config = config_for(network.detector.spec)

    def measure() -> float:
        with open_source(video, end=frames) as source:
            sinks = result_sinks(JobSpec(input=video, output=folder, name="out", video=False), source.frame_rate)
            summary = track_source(source, network.detector, sinks, config=config, in_flight=network.in_flight)
            return summary.frames_per_second

    return measure


def peer(detector: PublishedDetector, video: str, frames: int) -> Callable[[], float]:
    """Frames per second of the same frames through a published detector and tracker."""
    tracker = TRACKERS[_PEER]

    def measure() -> float:
        begun = time.perf_counter()
        with open_source(video, end=frames) as source:
            update = tracker.make(SETTINGS[0], source.frame_rate)
            waiting: deque[Future[Detections]] = deque()
            for frame in source:
                waiting.append(detector.submit(frame))
                if len(waiting) > available_cores() + _AHEAD:
                    update(tracker.prepare(waiting.popleft().result()))
            while waiting:
                update(tracker.prepare(waiting.popleft().result()))
        return frames / (time.perf_counter() - begun)

    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("--model-repository", type=Path, default=MODEL_REPOSITORY)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    parser.add_argument("--frames", type=int, default=150, help="as many as the video has at most")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides = {
            name: ours(options.model_repository, name, options.video, options.frames, folder, stack)
            for name in models_in(options.model_repository)
        }
        peers = {}
        for name, (file, make) in DETECTORS.items():
            detector = make(options.data / file)
            stack.callback(detector.close)
            peers[f"{name} + {_PEER}"] = peer(detector, options.video, options.frames)
        speeds: dict[str, list[float]] = {name: [] for name in (*sides, *peers)}
        for _ in range(options.rounds + 1):
            for name, measure in (sides | peers).items():
                speeds[name].append(measure())
    speeds = {name: values[1:] for name, values in speeds.items()}  # the first round warms up
    table = Table("side", "frames/s, median", "min", "max", *(f"÷ {name}" for name in peers))
    for name, values in speeds.items():
        ratios = (statistics.median(a / b for a, b in zip(values, speeds[other], strict=True)) for other in peers)
        numbers = (f"{f(values):.1f}" for f in (statistics.median, min, max))
        table.add_row(name, *numbers, *(f"{ratio:.2f}" for ratio in ratios))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
