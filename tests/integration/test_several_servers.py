"""Servers behind one name, as a headless Service has them: the client uses all that there are, and loses no row."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

from client.detection.connect import WireProtocol
from client.detection.grpc_transport import GrpcTransport
from client.detection.transport import Transport
from client.detection.triton import TritonDetector
from client.serving.server import EmbeddedServer
from mot.detections import Detections
from tests.integration.name_server import NameServer
from tests.media import frame_of
from tests.tiny_model import expected, images

pytestmark = pytest.mark.triton
ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
_AGE_S = 2  # of a connection


@pytest.fixture
def port() -> int:
    """Free on all of the addresses, as pods have one port."""
    with ExitStack() as stack:
        first = stack.enter_context(socket.create_server((ADDRESSES[0], 0)))
        port = int(first.getsockname()[1])
        for address in ADDRESSES[1:]:
            stack.enter_context(socket.create_server((address, port)))
    return port


@pytest.fixture
def start(tiny_repository: Path, port: int) -> Iterator[Callable[[str], EmbeddedServer]]:
    """Starts a server on an address."""
    with ExitStack() as stack:

        def begin(address: str) -> EmbeddedServer:
            options = [f"--grpc-max-connection-age={_AGE_S * 1000}"]
            return stack.enter_context(
                EmbeddedServer(tiny_repository, host=address, grpc_port=port, instances=1, options=options)
            )

        yield begin


@pytest.fixture
def names() -> Iterator[NameServer]:
    with closing(NameServer(*ADDRESSES[:2])) as server:
        yield server


@pytest.fixture
def detector(names: NameServer, port: int) -> Iterator[Callable[[], TritonDetector]]:
    """Connects to the name."""

    def connect(url: str, protocol: WireProtocol) -> tuple[Transport, str]:
        return GrpcTransport(f"dns://127.0.0.1:{names.port}/{url}", port), url

    with ExitStack() as stack:

        def begin() -> TritonDetector:
            made = TritonDetector("triton.test", in_flight=8, retry_for_s=30, connect=connect)
            stack.callback(made.close)
            return made

        yield begin


def answered(server: EmbeddedServer) -> int:
    """Images that have passed through its model."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    text = opener.open(server.metrics_url, timeout=10).read().decode()
    return int(re.findall(r"^nv_inference_count\{.*\} (\d+)", text, re.MULTILINE)[0])


def ask(detector: TritonDetector, count: int) -> list[Detections]:
    pending = [detector.submit(frame_of(image)) for image in images(count)]
    return [answer.result(timeout=60) for answer in pending]


def assert_rows(found: list[Detections]) -> None:
    """Each frame has its own rows."""
    for image, detections in zip(images(len(found)), found, strict=True):
        np.testing.assert_allclose(detections.boxes, expected(image).boxes, rtol=1e-5)


def test_load_is_spread(start: Callable[[str], EmbeddedServer], detector: Callable[[], TritonDetector]) -> None:
    servers = [start(address) for address in ADDRESSES[:2]]
    client = detector()
    assert_rows(ask(client, 20))
    time.sleep(0.5)  # the first calls the server may get alone that was connected first
    before = [answered(server) for server in servers]
    assert_rows(ask(client, 200))
    shares = [answered(server) - count for server, count in zip(servers, before, strict=True)]
    assert sum(shares) == 200 and min(shares) >= 60, shares


def test_loss_of_one_costs_no_row(
    start: Callable[[str], EmbeddedServer], detector: Callable[[], TritonDetector]
) -> None:
    kept, lost = (start(address) for address in ADDRESSES[:2])
    client = detector()
    assert_rows(ask(client, 20))
    pending = [client.submit(frame_of(image)) for image in images(200)]
    pending[40].result(timeout=60)
    assert lost.process
    os.killpg(lost.process.pid, signal.SIGKILL)
    assert_rows([answer.result(timeout=60) for answer in pending])
    before = answered(kept)
    assert_rows(ask(client, 50))
    assert answered(kept) - before == 50


def test_one_that_joins_is_used(
    start: Callable[[str], EmbeddedServer], detector: Callable[[], TritonDetector], names: NameServer
) -> None:
    for address in ADDRESSES[:2]:
        start(address)
    client = detector()
    assert_rows(ask(client, 20))
    third = start(ADDRESSES[2])
    names.addresses.append(ADDRESSES[2])
    before, deadline = answered(third), time.monotonic() + 20 * _AGE_S
    while answered(third) - before < 20:
        assert time.monotonic() < deadline, f"the third server got {answered(third) - before} images"
        assert_rows(ask(client, 20))
