"""The client and a real server: the same rows by every way, and nothing lost when the server fails."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from client.detection.errors import DetectorError
from client.detection.onnx import OnnxDetector
from client.detection.triton import TritonDetector
from client.metrics import RETRIES
from client.pipeline.track import track
from client.serving.server import EmbeddedServer
from mot.detections import Detections, Tracks
from mot.frame import Frame
from tests.frozen import frozen
from tests.media import frame_of
from tests.tiny_model import TINY, expected, images, slow_repository

pytestmark = pytest.mark.triton
COUNT = 60


class Echo:
    """Tracks whatever is detected."""

    def update(self, detections: Detections, **_: object) -> Tracks:
        rows = np.arange(len(detections))
        return Tracks(ids=rows + 1, boxes=detections.boxes, scores=detections.scores, detections=rows)


def frames() -> Iterator[Frame]:
    for index, image in enumerate(images(COUNT), start=1):
        yield Frame(index=index, image=image, time=index / 10)


def assert_frame_rows(tracks: Tracks, index: int) -> None:
    """The rows are those of this very frame."""
    np.testing.assert_allclose(tracks.boxes, expected(images(COUNT)[index - 1]).boxes, rtol=1e-5)


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def kill(server: EmbeddedServer) -> None:
    assert server.process
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_rows_equal_those_of_the_local_engine(server: EmbeddedServer, tiny_repository: Path, protocol: str) -> None:
    remote = TritonDetector(server.grpc_url if protocol == "grpc" else server.http_url, in_flight=8)
    local = OnnxDetector(tiny_repository / "fairmot/1/model.onnx")
    assert remote.spec == local.spec == TINY
    there = [remote.submit(frame_of(image)) for image in images(COUNT)]
    here = [local.submit(frame_of(image)) for image in images(COUNT)]
    for one, other in zip(there, here, strict=True):
        np.testing.assert_array_equal(one.result().boxes, other.result().boxes)
        np.testing.assert_array_equal(one.result().scores, other.result().scores)
        np.testing.assert_array_equal(one.result().embeddings, other.result().embeddings)
    remote.close()
    local.close()


@pytest.mark.parametrize("form", ["{host}:{port}", "{scheme}://{host}:{port}", "{scheme}://{host}:{port}/"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_forms_of_address(server: EmbeddedServer, protocol: str, form: str) -> None:
    port = server.ports[1 if protocol == "grpc" else 0]
    url = form.format(scheme=protocol, host="127.0.0.1", port=port)
    TritonDetector(url, protocol=protocol).close()


@pytest.mark.parametrize("url", ["", "ftp://host:1", "host:port", "http://host:8000/path", "grpc://:8001", "h:99999"])
def test_unusable_address(url: str) -> None:
    with pytest.raises(DetectorError, match="is not the address of a Triton server; write host:port"):
        TritonDetector(url)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_unreachable_server(protocol: str) -> None:
    port = free_port()
    begun = time.monotonic()
    with pytest.raises(DetectorError, match=rf"ready at {protocol}://127\.0\.0\.1:{port} .*refused.*`mot serve`"):
        TritonDetector(f"127.0.0.1:{port}", protocol=protocol)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(("scheme", "which"), [("grpc", 0), ("http", 1)])
def test_port_of_the_other_protocol(server: EmbeddedServer, scheme: str, which: int) -> None:
    with pytest.raises(DetectorError, match="8001 for gRPC and 8000 for HTTP"):
        TritonDetector(f"{scheme}://127.0.0.1:{server.ports[which]}", connect_timeout_s=2)


def test_server_that_is_not_triton(server: EmbeddedServer) -> None:
    with pytest.raises(DetectorError, match=r"http://127\.0\.0\.1:\d+: this is no Triton server"):
        TritonDetector(f"http://127.0.0.1:{server.ports[2]}")  # the metrics port speaks HTTP, too


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_unknown_model(server: EmbeddedServer, protocol: str) -> None:
    url = server.grpc_url if protocol == "grpc" else server.http_url
    with pytest.raises(DetectorError, match=r"unknown model: 'nobody'"):
        TritonDetector(url, model="nobody")


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_final_errors_are_not_repeated(server: EmbeddedServer, protocol: str) -> None:
    detector = TritonDetector(server.grpc_url if protocol == "grpc" else server.http_url)
    begun = time.monotonic()
    with pytest.raises(DetectorError, match=r"127\.0\.0\.1:.*unexpected shape for input 'image'"):
        detector.infer(np.zeros((7, 9, 3), np.uint8))
    assert time.monotonic() - begun < 10
    detector.close()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_server_dies_and_comes_back_in_mid_video(tiny_repository: Path, protocol: str) -> None:
    first = EmbeddedServer(tiny_repository, instances=1)
    first.start()
    http_port, grpc_port, metrics_port = first.ports
    second = EmbeddedServer(
        tiny_repository, http_port=http_port, grpc_port=grpc_port, metrics_port=metrics_port, instances=1
    )
    detector = TritonDetector(first.grpc_url if protocol == "grpc" else first.http_url, in_flight=8, retry_for_s=30)

    # The server ends with the thread that starts it, so this thread stays for the whole video.
    with ThreadPoolExecutor(1) as starter:

        def interrupted() -> Iterator[Frame]:
            for frame in frames():
                if frame.index == 30:
                    kill(first)
                    starter.submit(second.start)
                yield frame

        try:
            tracked = list(track(interrupted(), detector, Echo(), in_flight=8))
            assert [each.frame.index for each in tracked] == list(range(1, COUNT + 1))
            for each in tracked:
                assert_frame_rows(each.tracks, each.frame.index)
        finally:
            detector.close()
            first.stop(grace_s=0)
            second.stop(grace_s=0)


def test_server_never_comes_back(tiny_repository: Path) -> None:
    seen = []
    with EmbeddedServer(tiny_repository, instances=1) as server:
        detector = TritonDetector(server.grpc_url, in_flight=8, retry_for_s=1)

        def interrupted() -> Iterator[Frame]:
            for frame in frames():
                if frame.index == 30:
                    kill(server)
                yield frame

        begun = time.monotonic()
        with pytest.raises(DetectorError, match=rf"at {server.grpc_url} has not answered for 1 s: .*refused"):
            for each in track(interrupted(), detector, Echo(), in_flight=8):
                assert_frame_rows(each.tracks, each.frame.index)
                seen.append(each.frame.index)
        assert 1 <= time.monotonic() - begun < 30
        detector.close()
    assert seen == list(range(1, len(seen) + 1))
    assert 21 <= len(seen) <= 29  # up to 8 of the 29 frames sent before may have been under way


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_server_that_hangs_for_a_while(server: EmbeddedServer, protocol: str) -> None:
    detector = TritonDetector(server.grpc_url if protocol == "grpc" else server.http_url, deadline_s=0.3)
    batch = images(4)
    with frozen(server):
        answers = [detector.submit(frame_of(image)) for image in batch]
        time.sleep(0.8)
        assert not any(answer.done() for answer in answers)
    for image, answer in zip(batch, answers, strict=True):
        np.testing.assert_allclose(answer.result(timeout=10).boxes, expected(image).boxes, rtol=1e-5)
    detector.close()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_full_queue_holds_up_and_loses_nothing(tmp_path: Path, protocol: str) -> None:
    """Two clients, each of which alone has more in flight than the server takes on, and less patience than it takes."""
    small = slow_repository(tmp_path, seconds=0.2)
    config = small / "fairmot/configs/local.pbtxt"
    delay = "max_queue_delay_microseconds: 0"
    assert delay in config.read_text()
    policy = f"{delay} default_queue_policy {{ max_queue_size: 1 }}"
    config.write_text(config.read_text().replace(delay, policy))
    rejected = RETRIES._value.get()
    with EmbeddedServer(small, instances=1) as server, ExitStack() as stack:
        url = server.grpc_url if protocol == "grpc" else server.http_url
        clients = [TritonDetector(url, in_flight=15, retry_for_s=2) for _ in range(2)]
        for client in clients:
            stack.callback(client.close)
        pending = [(image, client.submit(frame_of(image))) for image in images(15) for client in clients]
        for image, answer in pending:
            np.testing.assert_allclose(answer.result(120).boxes, expected(image).boxes, rtol=1e-5)
    assert RETRIES._value.get() - rejected > 10  # the queue was full indeed


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_close_does_not_wait_for_a_server_that_hangs(server: EmbeddedServer, protocol: str) -> None:
    detector = TritonDetector(server.grpc_url if protocol == "grpc" else server.http_url, in_flight=2)
    with frozen(server):
        answers = [detector.submit(frame_of(image)) for image in images(4)]
        time.sleep(0.2)
        begun = time.monotonic()
        detector.close()
        assert time.monotonic() - begun < 10
        for answer in answers:
            with pytest.raises((DetectorError, CancelledError)):
                answer.result(timeout=0)
