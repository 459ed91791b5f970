"""Images in shared memory, with a real server: the same rows, and nothing left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from client.detection.connect import connect_directly
from client.detection.errors import DetectorError
from client.detection.region import FOLDER
from client.detection.sharing import Wanted
from client.detection.transport import SharedImage, Transport
from client.detection.triton import TritonDetector
from client.serving.network import NetworkConfig, open_network
from client.serving.server import EmbeddedServer
from mot.detections import Detections
from tests.command import ROOT
from tests.media import frame_of
from tests.tiny_model import expected, images

pytestmark = pytest.mark.triton
COUNT = 60


@contextmanager
def connected(
    server: EmbeddedServer, wanted: Wanted = "on", protocol: str = "grpc", retry_for_s: float = 30
) -> Iterator[TritonDetector]:
    """A client of the server's owner."""
    detector = TritonDetector(
        server.grpc_url if protocol == "grpc" else server.http_url,
        in_flight=4,
        retry_for_s=retry_for_s,
        connect=partial(connect_directly, access=server.access),
        shared_memory=wanted,
    )
    with closing(detector):
        yield detector


def ask(detector: TritonDetector) -> list[Detections]:
    return [answer.result(60) for answer in [detector.submit(frame_of(image)) for image in images(COUNT)]]


def assert_rows(found: list[Detections]) -> None:
    for image, detections in zip(images(COUNT), found, strict=True):
        np.testing.assert_allclose(detections.boxes, expected(image).boxes, rtol=1e-5)


def regions(server: EmbeddedServer) -> list[str]:
    """What the server has mapped."""
    transport, _ = connect_directly(server.grpc_url, "grpc", server.access)
    with closing(transport):
        return transport.regions(5)


def our_names() -> list[str]:
    return [path.name for path in FOLDER.glob(f"mot-images-*-{os.getpid()}-*")]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_rows_equal_those_through_the_connection(
    server: EmbeddedServer, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(server, "off", protocol) as detector:
        through = ask(detector)
        kind = type(detector._transport)
    infer, shared = kind.infer, []

    def watched(self: Transport, model: str, image: tuple[str, object], *rest: object) -> object:
        shared.append(isinstance(image[1], SharedImage))
        return infer(self, model, image, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "infer", watched)
    with connected(server, "on", protocol) as detector:
        beside = ask(detector)
        assert len(regions(server)) == 1
    assert shared == [True] * COUNT
    for one, other in zip(beside, through, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.embeddings, other.embeddings)
    assert regions(server) == our_names() == []


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_our_own_server_shares_by_default(tiny_repository: Path, protocol: str) -> None:
    config = NetworkConfig(model_repository=tiny_repository, protocol=protocol)  # type: ignore[arg-type]
    with open_network(config) as network:
        assert isinstance(network.detector, TritonDetector)
        assert network.detector._sharing.works
        assert_rows(ask(network.detector))


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_that_is_not_ours_keeps_its_memory_to_itself(server: EmbeddedServer, protocol: str) -> None:
    url = server.grpc_url if protocol == "grpc" else server.http_url
    with pytest.raises(DetectorError, match=r"--shared-memory on: .*restricted.*; leave it out"):
        TritonDetector(url, shared_memory="on")
    with closing(TritonDetector(url, shared_memory="auto")) as detector:
        assert not detector._sharing.works
        assert_rows(ask(detector))
    assert our_names() == []


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_that_is_started_anew_costs_no_row(tiny_repository: Path, protocol: str) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server, connected(server, "on", protocol) as detector:
        first = regions(server)
        pending = [detector.submit(frame_of(image)) for image in images(COUNT)]
        pending[20].result(60)
        server.restart()
        assert_rows([answer.result(60) for answer in pending])
        assert detector._sharing.works
        assert len(regions(server)) == 1 and regions(server) != first
    assert our_names() == []


def test_memory_that_is_taken_away_costs_no_row_and_no_waiting(server: EmbeddedServer) -> None:
    with connected(server, retry_for_s=0) as detector:
        for region in regions(server):
            detector._transport.unregister(region, 5)
        assert_rows(ask(detector))
        assert detector._sharing.works


def test_a_client_that_is_killed_leaves_nothing(server: EmbeddedServer) -> None:
    code = (
        "import sys, numpy as np\n"
        "from functools import partial\n"
        "from client.detection.access import Access\n"
        "from client.detection.connect import connect_directly\n"
        "from client.detection.triton import TritonDetector\n"
        "headers = tuple(tuple(each.split('=')) for each in sys.argv[2:])\n"
        "connect = partial(connect_directly, access=Access(headers=headers))\n"
        "detector = TritonDetector(sys.argv[1], connect=connect, shared_memory='on')\n"
        "while True:\n"
        "    detector.infer(np.zeros((32, 64, 3), np.uint8)); print('one', flush=True)\n"
    )
    headers = [f"{name}={value}" for name, value in server.access.headers]
    command = [sys.executable, "-c", code, server.grpc_url, *headers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout and process.stdout.readline() == b"one\n"
        os.kill(process.pid, signal.SIGKILL)
        process.stdout.read()
    assert not list(FOLDER.glob(f"mot-images-*-{process.pid}-*"))
    (dead,) = regions(server)  # the server has it mapped yet
    assert f"-{process.pid}-" in dead
    deadline = time.monotonic() + 60
    while dead in regions(server):  # an image of the dead may be in it still, and keeps it for so long
        with connected(server) as detector:
            assert_rows(ask(detector))
        assert time.monotonic() < deadline
    assert regions(server) == []


def test_calls_that_are_broken_off_do_not_hurt_the_server(tiny_repository: Path) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server:
        for _ in range(10):
            with connected(server) as detector:
                for image in images(COUNT):
                    detector.submit(frame_of(image))
        with connected(server) as detector:
            assert_rows(ask(detector))
        assert server.fault() is None
