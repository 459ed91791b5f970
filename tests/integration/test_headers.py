"""Headers of one's own reach the server: with one, an interface that is closed opens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from client.detection.access import Access, parse_headers
from client.detection.connect import connect
from client.detection.errors import DetectorError
from client.detection.triton import TritonDetector
from client.serving.server import EmbeddedServer

pytestmark = pytest.mark.triton
GRPC_PREFIX = "triton-grpc-protocol-"  # Triton's, before a name of --grpc-restricted-protocol


class ClosedServer(EmbeddedServer):
    """Answers nobody who does not know the word."""

    def infer(self, timeout_s: float) -> None:
        access = Access(headers=((f"{GRPC_PREFIX}x-key", "open sesame"),))
        TritonDetector(self.grpc_url, in_flight=1, connect=partial(connect, access=access)).close()


@pytest.fixture(scope="module")
def closed(tiny_repository: Path) -> Iterator[EmbeddedServer]:
    closed = "inference,metadata,model-config:x-key=open sesame"
    options = [f"--grpc-restricted-protocol={closed}", f"--http-restricted-api={closed}"]
    with ClosedServer(tiny_repository, instances=1, options=options) as server:
        yield server


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_who_says_the_word_is_let_in(closed: EmbeddedServer, protocol: str) -> None:
    url, prefix = (closed.grpc_url, GRPC_PREFIX) if protocol == "grpc" else (closed.http_url, "")
    access = Access(headers=parse_headers([f"{prefix}X-Key: open sesame"]))
    TritonDetector(url, connect=partial(connect, access=access)).close()
    for wrong in (Access(), Access(headers=parse_headers([f"{prefix}X-Key: open barley"]))):
        with pytest.raises(DetectorError, match="restricted") as failed:
            TritonDetector(url, connect=partial(connect, access=wrong))
        assert "no Triton server is ready" not in str(failed.value) and "barley" not in str(failed.value)
