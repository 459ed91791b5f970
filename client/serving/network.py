"""Where the network runs: in this process, on a server elsewhere, or on an embedded server of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from client.detection.access import Access
from client.detection.connect import WireProtocol, connect, connect_directly
from client.detection.detector import LetterboxDetector
from client.detection.onnx import OnnxDetector, available_cores
from client.detection.outage import Outage
from client.detection.sharing import Wanted
from client.detection.triton import TritonDetector
from client.serving.model import ModelError, graph_of
from client.serving.repository import model_repository
from client.serving.server import EmbeddedServer
from client.serving.supervisor import Supervisor
from mot.contract import MODEL_NAME

MODEL_REPOSITORY = model_repository()
_MAX_WORKERS = 8  # images computed at a time in this process; with more cores, each image takes several
_AHEAD = 2  # frames in flight beyond those being computed: the network never waits for the next one
_REMOTE_IN_FLIGHT = 8  # the batch that the server in the container prefers

Tell = Callable[[Outage], None]


class NetworkConfig(BaseModel):
    """How to run the network."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    kind: Literal["triton", "local"] = "triton"
    url: str | None = None  # of a Triton server that is already running; None: start an embedded one
    protocol: WireProtocol = "grpc"
    access: Access = Field(default_factory=Access.of_environment)  # to that server
    model_repository: Path = MODEL_REPOSITORY  # of the embedded server and of the local engine
    model: str = Field(default=MODEL_NAME, pattern=r"^[^/\\]+$")  # its name on the server and in the repository
    graph: Path | None = None  # an ONNX file by itself, for the embedded server and the local engine
    # Frames of a video in the network at a time; None: as many as it can use.
    in_flight: int | None = Field(default=None, ge=1)
    shared_memory: Wanted = "auto"  # for images; auto: where a server on this machine lets us
    retry_for_s: float = Field(default=60.0, ge=0)  # how long to wait for a server that has stopped answering

    @property
    def runs_elsewhere(self) -> bool:
        """Whether the model's file is a server's and not ours."""
        return self.kind == "triton" and self.url is not None

    def model_file(self) -> Path:
        """The ONNX file that runs here.

        Raises:
            ModelError: the repository has no such model.
        """
        assert not self.runs_elsewhere, "a server elsewhere has its own files"
        if self.graph is None:
            return graph_of(self.model_repository, self.model)
        if not self.graph.is_file():
            raise ModelError(f"{self.graph}: no such model file; give the path of an ONNX file written by mot-export")
        return self.graph


@dataclass(frozen=True, kw_only=True)
class Network:
    """A detector that is ready, and how many frames of each video to keep in it."""

    detector: LetterboxDetector
    in_flight: int


@contextmanager
def open_network(config: NetworkConfig, videos: int = 1, tell: Tell | None = None) -> Iterator[Network]:
    """Load the model, or connect to the server, or start one; give all of it back at the end.

    An embedded server that breaks within the block is started again: that costs time, and no frame.

    Args:
        videos: tracked side by side, each with so many frames in flight.
        tell: called, from several threads, while a server does not answer.

    Raises:
        DetectorError: the model cannot be loaded, or no server answers.
        ContractError: the model speaks another contract.
        ModelError: there is no such model.
        ServerError: the embedded server cannot be started; from the detector, that it cannot be restarted.
    """
    with ExitStack() as stack:
        if config.kind == "local":
            network = _local(config)
        elif config.url is not None:
            network = _remote(config, config.url, videos, tell)
        else:
            network = _embedded(config, videos, tell, stack)
        stack.callback(network.detector.close)
        yield network


def _local(config: NetworkConfig) -> Network:
    cores = available_cores()
    workers = min(cores, _MAX_WORKERS)
    detector = OnnxDetector(config.model_file(), workers=workers, threads=cores // workers)
    return Network(detector=detector, in_flight=config.in_flight or workers + _AHEAD)


def _remote(config: NetworkConfig, url: str, videos: int, tell: Tell | None) -> Network:
    in_flight = config.in_flight or _REMOTE_IN_FLIGHT
    detector = TritonDetector(
        url,
        protocol=config.protocol,
        model=config.model,
        in_flight=in_flight * videos,
        retry_for_s=config.retry_for_s,
        connect=partial(connect, access=config.access),
        shared_memory=config.shared_memory,
        tell=tell,
    )
    return Network(detector=detector, in_flight=in_flight)


def _embedded(config: NetworkConfig, videos: int, tell: Tell | None, stack: ExitStack) -> Network:
    """A detector on a server of our own, which ``stack`` stops."""
    server, url, supervisor = stack.enter_context(own_server(config))
    in_flight = config.in_flight or server.instances + _AHEAD
    detector = TritonDetector(
        url,
        model=config.model,
        in_flight=in_flight * videos,
        retry_for_s=config.retry_for_s,
        connect=partial(connect_directly, access=server.access),
        shared_memory=config.shared_memory,
        being_mended=supervisor.being_mended,
        tell=tell,
    )
    return Network(detector=detector, in_flight=in_flight)


@contextmanager
def own_server(
    config: NetworkConfig, *, canary_every_s: float | None = None
) -> Iterator[tuple[EmbeddedServer, str, Supervisor]]:
    """A server of our own, its address for the protocol, and whoever keeps it answering.

    Args:
        canary_every_s: as of :class:`client.serving.supervisor.Supervisor`.

    Raises:
        ServerError: it does not start.
    """
    server = EmbeddedServer(config.model_repository, model=config.model, graph=config.graph)
    with ExitStack() as stack:
        server.start()
        stack.callback(server.stop, grace_s=0)  # it keeps no state, so there is nothing to wait for
        supervisor = stack.enter_context(Supervisor(server, canary_every_s=canary_every_s))
        yield server, server.grpc_url if config.protocol == "grpc" else server.http_url, supervisor
