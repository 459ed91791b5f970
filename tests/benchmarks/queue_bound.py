"""Why the embedded server's queue has no bound: with a queue policy, Triton 2.51 stalls for half a second at times.

    python -m tests.benchmarks.queue_bound

A model that takes 10 ms, however large the image, is asked for some images by one client; counted are those that took
longer than 0.45 s, which the machine's load hardly explains.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from rich.console import Console
from rich.table import Table
from tritonclient.grpc.model_config_pb2 import ModelConfig

from client.detection.triton import TritonDetector
from client.serving.server import EmbeddedServer
from tests.tiny_model import slow_repository

IMAGES, SLOW_S = 250, 0.45
POLICIES = {
    "bound and timeout": {"max_queue_size": 256, "default_timeout_microseconds": 10_000_000},
    "bound alone": {"max_queue_size": 256},
    "timeout alone": {"default_timeout_microseconds": 10_000_000},
    "neither": {},
}
CASES = [(1, 2), (1, 3), (1, 8), (2, 3), (2, 4), (2, 8)]  # processes, images in flight


def with_policy(folder: Path, policy: dict[str, int]) -> None:
    path = folder / "fairmot/configs/local.pbtxt"
    config = text_format.Parse(path.read_text(), ModelConfig())
    config.dynamic_batching.ClearField("default_queue_policy")
    if policy:
        config.dynamic_batching.default_queue_policy.MergeFrom(
            type(config.dynamic_batching.default_queue_policy)(**policy)
        )
    path.write_text(text_format.MessageToString(config))


def measure(server: EmbeddedServer, in_flight: int) -> str:
    """How many images took long, and images a second."""
    took: list[float] = []
    with closing(TritonDetector(server.grpc_url, in_flight=in_flight)) as detector:

        def ask(number: int) -> None:
            begun = time.perf_counter()
            detector.infer(np.full(detector.spec.image.shape, number, np.uint8))
            took.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        list(detector._workers.map(ask, (k % 256 for k in range(IMAGES))))
        rate = IMAGES / (time.perf_counter() - begun)
    return f"{sum(each > SLOW_S for each in took)}, {rate:.0f}"


def main() -> None:
    table = Table("slow images, images/s", *(f"{flight} in flight, {processes}" for processes, flight in CASES))
    with tempfile.TemporaryDirectory() as name:
        folder = slow_repository(Path(name), 0.01)
        for policy, values in POLICIES.items():
            with_policy(folder, values)
            cells = []
            for processes, in_flight in CASES:
                with EmbeddedServer(folder, instances=processes) as server:
                    cells.append(measure(server, in_flight))
            table.add_row(policy, *cells)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
