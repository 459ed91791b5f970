"""What Triton's dynamic batcher makes of requests: the mean batch, from the server's own statistics."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from mot.contract import MODEL_NAME


@dataclass
class Batches:
    """Images answered, and in how many batches."""

    images: int = 0
    batches: int = 0

    @property
    def mean(self) -> float:
        return self.images / self.batches


@contextmanager
def mean_batch(http_url: str) -> Iterator[Batches]:
    """Yield an object that knows, after the block, what the server has done within it."""
    before, found = _statistics(http_url), Batches()
    yield found
    after = _statistics(http_url)
    found.images = after["inference_count"] - before["inference_count"]
    found.batches = after["execution_count"] - before["execution_count"]


def batched_repository(repository: Path, target: Path) -> Path:
    """A copy whose embedded server batches as the container's does; ours would answer each image at once."""
    shutil.copytree(repository, target)
    local, container = (target / MODEL_NAME / name for name in ("configs/local.pbtxt", "config.pbtxt"))
    config, other = (text_format.Parse(path.read_text(), ModelConfig()) for path in (local, container))
    config.dynamic_batching.CopyFrom(other.dynamic_batching)
    config.dynamic_batching.ClearField("default_queue_policy")  # with one, Triton 2.51 stalls
    local.write_text(text_format.MessageToString(config))
    return target


def bounded_repository(repository: Path, target: Path, most: int) -> Path:
    """A copy whose embedded server rejects what finds ``most`` requests waiting."""
    shutil.copytree(repository, target)
    path = target / MODEL_NAME / "configs/local.pbtxt"
    config = text_format.Parse(path.read_text(), ModelConfig())
    config.dynamic_batching.default_queue_policy.max_queue_size = most
    path.write_text(text_format.MessageToString(config))
    return target


def _statistics(http_url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{http_url}/v2/models/{MODEL_NAME}/stats", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)["model_stats"][0]
    return found
