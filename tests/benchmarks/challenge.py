"""Sequences side by side against one at a time, through the embedded Triton: frames per second and mean batch.

    python tests/benchmarks/challenge.py --sequences 4 --frames 60

Cuts sequences out of the research data (MOT_DATA, by default ../shared/data), tracks them as `mot challenge track`
does, and asks the server how many images it answered in how many batches. All sides take turns. "Container's
batching" uses the batcher's settings of config.pbtxt on the embedded server: the batches form as they would there,
but the python backend still runs each image alone, so that no speed is to be expected of them. "Client alone" has a
network that answers at once, 20 people in each frame: how fast a server this process could feed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does, before numpy is imported

import numpy as np
from batching import Batches, batched_repository, mean_batch
from rich.console import Console
from rich.table import Table

from client.challenge.jobs import jobs_of
from client.challenge.task import Task, find_challenge
from client.detection.detector import FakeDetector
from client.detection.onnx import OnnxDetector
from client.jobs.spec import TrackerSpec
from client.jobs.threads import run_jobs
from client.jobs.tracking import track_source
from client.serving.network import MODEL_REPOSITORY, NetworkConfig
from client.serving.networks import Networks
from client.serving.server import EmbeddedServer
from client.video.open import open_source
from mot.contract import MODEL_NAME, ModelSpec
from mot.detections import Detections
from mot.sequence import SeqInfo, write_seqinfo

SOURCE = Path("mot/MOT17-09-FRCNN/img1")
Side = Callable[[], tuple[float, Batches]]


def cut(data: Path, root: Path, count: int, frames: int) -> tuple[Task, ...]:
    """Sequences of consecutive frames from different parts of MOT17-09; images are linked."""
    images = sorted((data / SOURCE).iterdir())
    for number in range(count):
        folder = root / "train" / f"cut-{number + 1}"
        (folder / "img1").mkdir(parents=True)
        first = number * (len(images) - frames) // max(1, count - 1)
        for index, image in enumerate(images[first : first + frames], start=1):
            (folder / f"img1/{index:06d}.jpg").symlink_to(image.resolve())
        info = SeqInfo(name=folder.name, frame_rate=30, length=frames, width=1920, height=1080)
        write_seqinfo(folder / "seqinfo.ini", info)
    return find_challenge(root, "train").tasks


def side(tasks: tuple[Task, ...], out: Path, server: EmbeddedServer, jobs: int, in_flight: int) -> Side:
    """Tracks all tasks through a server: frames per second, and the batches."""

    def measure() -> tuple[float, Batches]:
        network = NetworkConfig(url=server.grpc_url, in_flight=in_flight)
        for path in out.glob("*"):
            path.unlink()
        with mean_batch(server.http_url) as batches, Networks(jobs) as networks:
            begun = time.perf_counter()
            run_jobs(jobs_of(tasks, out, network=network, tracker=TrackerSpec()), networks, side_by_side=jobs)
            seconds = time.perf_counter() - begun
        return sum(task.frames for task in tasks) / seconds, batches

    return measure


def client_alone(tasks: tuple[Task, ...], spec: ModelSpec, jobs: int) -> Side:
    """Decodes, letterboxes and associates, with a network that takes no time."""
    rng = np.random.default_rng(0)
    corners = rng.uniform((0, 0), (spec.width - 20, spec.height - 50), (20, 2))
    embeddings = rng.normal(size=(20, spec.embedding_dim))
    people = Detections(
        boxes=np.hstack([corners, corners + np.array([20, 50])]).astype(np.float32),
        scores=np.full(20, 0.9, np.float32),
        embeddings=(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32),
    )
    detector = FakeDetector(lambda _: people)

    def one(task: Task) -> None:
        with open_source(str(task.folder)) as source:
            track_source(source, detector, [])

    def measure() -> tuple[float, Batches]:
        begun = time.perf_counter()
        with ThreadPoolExecutor(jobs) as threads:
            list(threads.map(one, tasks))
        return sum(task.frames for task in tasks) / (time.perf_counter() - begun), Batches()

    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", "../shared/data")))
    parser.add_argument("--model-repository", type=Path, default=MODEL_REPOSITORY)
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("--frames", type=int, default=60, help="of each sequence")
    parser.add_argument("--jobs", type=int, nargs="+", default=[2, 4], help="sequences side by side, beside 1")
    parser.add_argument("--in-flight", type=int, default=4, help="frames of each sequence in the network")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not (options.data / SOURCE).is_dir():
        sys.exit(f"research data not found at {options.data}; set MOT_DATA")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tasks = cut(options.data, folder / "cuts", options.sequences, options.frames)
        plain = stack.enter_context(EmbeddedServer(options.model_repository))
        models = batched_repository(options.model_repository, folder / "models")
        batched = stack.enter_context(EmbeddedServer(models))
        sides: dict[str, Side] = {}
        for name, server in (("embedded", plain), ("container's batching", batched)):
            for jobs in (1, *options.jobs):
                out = folder / f"out-{len(sides)}"
                sides[f"{name}, {jobs} at a time"] = side(tasks, out, server, jobs, options.in_flight)
        graph = options.model_repository / MODEL_NAME / "1" / "model.onnx"
        spec = stack.enter_context(closing(OnnxDetector(graph))).spec
        for jobs in (1, *options.jobs):
            sides[f"client alone, {jobs} at a time"] = client_alone(tasks, spec, jobs)
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        means: dict[str, list[Batches]] = {name: [] for name in sides}
        for round_ in range(options.rounds + 1):
            for name, measure in sides.items():
                speed, made = measure()
                if round_:  # the first warms up
                    speeds[name].append(speed)
                    means[name].append(made)
    table = Table("side", "frames/s, median", "min", "max", "mean batch")
    for name, values in speeds.items():
        images, batches = (sum(getattr(each, key) for each in means[name]) for key in ("images", "batches"))
        table.add_row(
            name,
            *(f"{f(values):.1f}" for f in (statistics.median, min, max)),
            f"{images / batches:.2f}" if batches else "-",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
