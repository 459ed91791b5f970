"""Frames per second: bare ONNX Runtime, `mot track` with the local engine, and through the embedded Triton.

    python tests/benchmarks/throughput.py $(mot sample)

All sides take turns on the same frames in one run, so that a drifting machine touches all of them. "Bare" is
nothing but `session.run` on frames that were decoded and letterboxed beforehand: once with one session that
shares each operator among all cores (ONNX Runtime's default), once with one single-threaded run per core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does, before numpy is imported

import numpy as np
import onnxruntime as ort
from rich.console import Console
from rich.table import Table

from client.detection.onnx import OnnxDetector, available_cores
from client.jobs.job import result_sinks
from client.jobs.spec import JobSpec
from client.jobs.tracking import track_source
from client.serving.network import MODEL_REPOSITORY, Network, NetworkConfig, open_network
from client.video.open import open_source
from mot.geometry import Letterbox


def letterboxed(video: str, frames: int, width: int, height: int) -> list[np.ndarray]:
    """Inputs of the graph, one frame each: uint8 (1, H, W, 3)."""
    images = []
    with open_source(video, end=frames) as source:
        for frame in source:
            size = frame.image.shape
            fit = Letterbox(source_width=size[1], source_height=size[0], width=width, height=height)
            images.append(fit.apply(frame.image)[None])
    return images


def bare(model: Path, images: list[np.ndarray], *, runs: int, threads: int) -> Callable[[], float]:
    """Frames per second of ``runs`` simultaneous runs with ``threads`` each."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def measure() -> float:
        begun = time.perf_counter()
        with ThreadPoolExecutor(runs) as pool:
            for _ in pool.map(lambda image: session.run(None, {"image": image}), images):
                pass
        return len(images) / (time.perf_counter() - begun)

    return measure


def tracked(network: Network, video: str, frames: int, folder: Path, *, write_video: bool) -> Callable[[], float]:
    """Frames per second of the tracking loop of `mot track`."""

    def measure() -> float:
        with open_source(video, end=frames) as source:
            sinks = result_sinks(JobSpec(input=video, output=folder, name="out", video=write_video), source.frame_rate)
            return track_source(source, network.detector, sinks, in_flight=network.in_flight).frames_per_second

    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("--model-repository", type=Path, default=MODEL_REPOSITORY)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    model = options.model_repository / "fairmot/1/model.onnx"
    detector = OnnxDetector(model, workers=1)
    detector.close()
    images = letterboxed(options.video, options.frames, detector.spec.width, detector.spec.height)
    cores = available_cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def network(**config: object) -> Network:
            chosen = NetworkConfig(model_repository=options.model_repository, **config)  # type: ignore[arg-type]
            return stack.enter_context(open_network(chosen))

        local, grpc, http = network(kind="local"), network(kind="triton"), network(kind="triton", protocol="http")
        sides = {
            f"bare, 1 run x {cores} threads": bare(model, images, runs=1, threads=cores),
            f"bare, {cores} runs x 1 thread": bare(model, images, runs=cores, threads=1),
            "mot track --engine local --no-video": tracked(
                local, options.video, options.frames, folder, write_video=False
            ),
            "mot track --no-video, gRPC": tracked(grpc, options.video, options.frames, folder, write_video=False),
            "mot track --no-video, HTTP": tracked(http, options.video, options.frames, folder, write_video=False),
            "mot track --engine local": tracked(local, options.video, options.frames, folder, write_video=True),
            "mot track, gRPC (make demo)": tracked(grpc, options.video, options.frames, folder, write_video=True),
        }
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(options.rounds + 1):
            for name, measure in sides.items():
                speeds[name].append(measure())
    speeds = {name: values[1:] for name, values in speeds.items()}  # the first round warms up
    table = Table("side", "frames/s, median", "min", "max")
    for name, values in speeds.items():
        table.add_row(name, *(f"{f(values):.1f}" for f in (statistics.median, min, max)))
    Console().print(table)
    names = list(speeds)
    for above, below in ((names[3], names[2]), (names[4], names[2]), (names[2], names[0]), (names[2], names[1])):
        ratios = [a / b for a, b in zip(speeds[above], speeds[below], strict=True)]
        Console().print(f"{above} ÷ {below}: {statistics.median(ratios):.2f}", highlight=False)


if __name__ == "__main__":
    main()
