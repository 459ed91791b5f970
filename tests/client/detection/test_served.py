"""Whether a server still has the model that it had at first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from client.detection.errors import ModelChangedError
from client.detection.served import Served
from client.detection.transport import UnavailableError
from mot.contract import ModelSpec
from tests.tiny_model import TINY


class Server:
    """Says what it has, and counts how often."""

    def __init__(self, spec: ModelSpec = TINY, version: str = "1") -> None:
        self.spec, self.version, self.asked = spec, version, 0
        self.meanwhile: Callable[[], None] = lambda: None  # while it is asked

    def __call__(self) -> tuple[ModelSpec, str]:
        self.asked += 1
        self.meanwhile()
        return self.spec, self.version


def test_without_a_doubt_nobody_is_asked() -> None:
    server = Server()
    served = Served(server, "there")
    for _ in range(3):
        served.settle()
    assert server.asked == 1


def test_one_doubt_is_one_question() -> None:
    server = Server()
    served = Served(server, "there")
    served.doubt()
    served.settle()
    served.settle()
    assert server.asked == 2


@pytest.mark.parametrize(
    ("spec", "version", "difference"),
    [
        (TINY, "2", "version 1 -> 2"),
        (replace(TINY, conf_thres=0.3), "1", "conf_thres unknown -> 0.3"),
        (replace(TINY, top_k=9, recipe="x"), "1", "top_k 5 -> 9, recipe none -> x"),
    ],
)
def test_another_model_is_an_error_again_and_again(spec: ModelSpec, version: str, difference: str) -> None:
    server = Server()
    served = Served(server, "grpc://there:1, model 'fairmot'")
    server.spec, server.version = spec, version
    served.settle()  # no doubt
    served.doubt()
    for _ in range(2):
        with pytest.raises(ModelChangedError, match=rf"^grpc://there:1, model 'fairmot': .* now \({difference}\); "):
            served.settle()


def test_a_server_that_does_not_answer_is_asked_again() -> None:
    server = Server()
    served = Served(server, "there")
    served.doubt()

    def away() -> None:
        raise UnavailableError("away")

    server.meanwhile = away
    with pytest.raises(UnavailableError):
        served.settle()
    server.meanwhile = lambda: None
    served.settle()
    assert server.asked == 3


def test_a_doubt_while_it_is_asked_is_another_question() -> None:
    server = Server()
    served = Served(server, "there")
    served.doubt()
    server.meanwhile = served.doubt
    served.settle()
    server.meanwhile = lambda: None
    served.settle()
    assert server.asked == 3


def test_nobody_passes_while_another_asks() -> None:
    """Or the answers of several threads would pass, of which one asks whose they are."""
    server = Server()
    served = Served(server, "there")
    server.version = "2"
    asking, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        asking.set()
        go_on.wait(60)

    server.meanwhile = slowly
    served.doubt()
    outcomes = []

    def settle() -> None:
        try:
            served.settle()
            outcomes.append("passed")
        except ModelChangedError:
            outcomes.append("refused")

    threads = [threading.Thread(target=settle) for _ in range(4)]
    threads[0].start()
    asking.wait(60)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert outcomes == ["refused"] * 4
