"""The supervisor and a real server: what breaks is noticed, ended and started again."""

from __future__ import annotations

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from client.detection.triton import TritonDetector
from client.serving import supervisor as supervisor_module
from client.serving.errors import ServerError
from client.serving.keeper import children
from client.serving.server import EmbeddedServer
from client.serving.supervisor import Supervisor
from tests.tiny_model import expected, images

pytestmark = pytest.mark.triton


@pytest.fixture
def own(tiny_repository: Path) -> Iterator[EmbeddedServer]:
    """A server of the test's own."""
    server = EmbeddedServer(tiny_repository, instances=2)
    server.start()
    yield server
    server.stop(grace_s=0)


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def ready(server: EmbeddedServer) -> bool:
    try:
        with urllib.request.urlopen(f"{server.http_url}/v2/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def pid(server: EmbeddedServer) -> int:
    assert server.process
    return server.process.pid


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_model_process_that_is_killed_costs_a_client_time_and_no_answer(own: EmbeddedServer, protocol: str) -> None:
    ports, first = own.ports, pid(own)
    with Supervisor(own, restarts=1) as supervisor:
        detector = TritonDetector(
            own.grpc_url if protocol == "grpc" else own.http_url, retry_for_s=0, being_mended=supervisor.being_mended
        )
        for place, image in enumerate(images(60)):
            if place == 20:
                os.kill(children(first)[0], signal.SIGKILL)
            np.testing.assert_allclose(detector.infer(image).boxes, expected(image).boxes, rtol=1e-5)
        detector.close()
        assert pid(own) != first and own.ports == ports and ready(own)


def test_a_broken_server_is_not_ready_until_it_works_again(own: EmbeddedServer) -> None:
    """Alone, Triton would say that it is for ever."""
    first = pid(own)
    os.kill(children(first)[0], signal.SIGKILL)
    assert ready(own)
    with Supervisor(own):
        eventually(lambda: not ready(own), 5)
        eventually(lambda: ready(own))
        assert pid(own) != first
        own.infer(5)


def test_a_model_process_that_hangs_is_found_by_the_canary(
    own: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "_CANARY_DEADLINE_S", 5.0)
    first = pid(own)
    for process in children(first):
        os.kill(process, signal.SIGSTOP)
    with Supervisor(own, canary_every_s=0.5):
        eventually(lambda: pid(own) != first and ready(own))
        own.infer(5)


def test_a_healthy_server_is_left_alone(own: EmbeddedServer) -> None:
    first = pid(own)
    with Supervisor(own, canary_every_s=0.2) as supervisor:
        for _ in range(20):
            assert not supervisor.being_mended()
            time.sleep(0.1)
    assert pid(own) == first and ready(own)


def test_after_so_many_restarts_it_is_given_up(own: EmbeddedServer) -> None:
    with Supervisor(own, restarts=2) as supervisor:
        for number in (1, 2, 3):
            before = pid(own)
            os.kill(before, signal.SIGKILL)
            if number < 3:
                eventually(lambda before=before: pid(own) != before and ready(own) and own.fault() is None)
        message = r"the embedded Triton server has died \(status -9\); 2 restarts in 10 minutes have not helped"
        with pytest.raises(ServerError, match=message):
            supervisor.watch()
        with pytest.raises(ServerError, match=message):
            supervisor.being_mended()


def test_restarts_long_ago_do_not_count(own: EmbeddedServer) -> None:
    with Supervisor(own, restarts=1, within_s=0.1):
        for _ in range(2):
            before = pid(own)
            os.kill(before, signal.SIGKILL)
            eventually(lambda before=before: pid(own) != before and ready(own) and own.fault() is None)


def test_a_model_that_breaks_meanwhile_is_named(own: EmbeddedServer, tiny_repository: Path) -> None:
    graph = Path(own._place.folder, "models/fairmot/1/model.onnx")  # type: ignore[union-attr]
    graph.unlink()
    graph.write_text("not a graph")
    with Supervisor(own, restarts=1) as supervisor:
        own.kill()
        with pytest.raises(ServerError, match=r"does not start again: Triton exited with status 1[\s\S]*model\.onnx"):
            supervisor.watch()


def test_closing_in_the_middle_of_a_restart_does_not_wait_for_it(own: EmbeddedServer) -> None:
    with Supervisor(own) as supervisor:
        own.kill()
        eventually(supervisor.being_mended)
        eventually(lambda: own.fault() is None)  # the new one has begun
        begun = time.monotonic()
    assert time.monotonic() - begun < 1
