"""Where the network runs: in this process, on a server elsewhere, or on an embedded server of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from client.detection.detector import DetectorError, LetterboxDetector
from client.detection.onnx import OnnxDetector, available_cores
from client.detection.triton import TritonDetector, WireProtocol
from client.serving.repository import model_repository
from client.serving.server import EmbeddedServer
from client.serving.triton_runtime import ServerError
from mot.contract import MODEL_NAME

MODEL_REPOSITORY = model_repository()
_MAX_WORKERS = 8  # images computed at a time in this process; with more cores, each image takes several
_AHEAD = 2  # frames in flight beyond those being computed: the network never waits for the next one
_REMOTE_IN_FLIGHT = 8  # the batch that the server in the container prefers


class NetworkConfig(BaseModel):
    """How to run the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["triton", "local"] = "triton"
    url: str | None = None  # of a Triton server that is already running; None: start an embedded one
    protocol: WireProtocol = "grpc"
    model_repository: Path = MODEL_REPOSITORY  # of the embedded server and of the local engine
    # Frames of a video in the network at a time; None: as many as it can use.
    in_flight: int | None = Field(default=None, ge=1)
    retry_for_s: float = Field(default=60.0, ge=0)  # how long to wait for a server that has stopped answering


@dataclass(frozen=True, kw_only=True)
class Network:
    """A detector that is ready, and how many frames of each video to keep in it."""

    detector: LetterboxDetector
    in_flight: int


@contextmanager
def open_network(config: NetworkConfig, videos: int = 1) -> Iterator[Network]:
    """Load the model, or connect to the server, or start one; give all of it back at the end.

    Args:
        videos: tracked side by side, each with so many frames in flight.

    Raises:
        DetectorError: the model cannot be loaded, or no server answers.
        ContractError: the model speaks another contract.
        ServerError: the embedded server cannot be started, or died within the block.
    """
    with ExitStack() as stack:
        if config.kind == "local":
            network = _local(config)
        elif config.url is not None:
            network = _remote(config, config.url, _REMOTE_IN_FLIGHT, videos)
        else:
            server = stack.enter_context(_embedded(config.model_repository))
            url = server.grpc_url if config.protocol == "grpc" else server.http_url
            network = _remote(config, url, server.instances + _AHEAD, videos)
        stack.callback(network.detector.close)
        yield network


def _local(config: NetworkConfig) -> Network:
    cores = available_cores()
    workers = min(cores, _MAX_WORKERS)
    path = config.model_repository / MODEL_NAME / "1" / "model.onnx"
    detector = OnnxDetector(path, workers=workers, threads=cores // workers)
    return Network(detector=detector, in_flight=config.in_flight or workers + _AHEAD)


def _remote(config: NetworkConfig, url: str, usual: int, videos: int) -> Network:
    in_flight = config.in_flight or usual
    calls = in_flight * videos
    detector = TritonDetector(url, protocol=config.protocol, in_flight=calls, retry_for_s=config.retry_for_s)
    return Network(detector=detector, in_flight=in_flight)


@contextmanager
def _embedded(model_repository: Path) -> Iterator[EmbeddedServer]:
    """A server for the block; if it dies there, the error says so instead of speaking of a network."""
    server = EmbeddedServer(model_repository)
    server.start()
    try:
        yield server
    except DetectorError as error:
        if server.process is None or server.process.poll() is None:
            raise
        raise ServerError(
            f"the embedded Triton server has died (status {server.process.returncode}):\n{server.log()}"
        ) from error
    finally:
        server.stop(grace_s=0)  # it keeps no state, so there is nothing to wait for
