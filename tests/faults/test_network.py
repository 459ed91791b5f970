"""``mot track`` and a server between which the network misbehaves."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from tests.command import finish, wait_for_line
from tests.faults import http2
from tests.faults.http2 import Breaker
from tests.faults.proxy import Cut, Network, Way, network
from tests.faults.runs import Runs, long_form, port, protocols, through

pytestmark = pytest.mark.triton
_IMAGE = 6144  # bytes of one for the tiny model; its answer has some 400


def wait_for_frames(way: Network, frames: int) -> None:
    """Until about so many have been sent, of all those that are to be."""
    way.wait(lambda: way.passed["request"] > frames * _IMAGE)


@protocols("grpc")
def test_slow(healthy: EmbeddedServer, runs: Runs, tmp_path: Path, protocol: str) -> None:
    with network(port(healthy, protocol)) as way:
        way.delay_s, way.bytes_per_s = 0.02, 500_000
        _, err = finish(runs.start(tmp_path, *through(way, protocol)))
    runs.assert_complete(tmp_path)
    assert "server away" not in err


@pytest.mark.parametrize(
    ("protocol", "of", "after", "gently"),
    [
        ("grpc", "request", 45_000, False),
        ("grpc", "answer", 4_321, True),
        ("http", "answer", 4_321, False),
        pytest.param("grpc", "request", 45_000, True, marks=long_form),
        pytest.param("grpc", "answer", 4_321, False, marks=long_form),
        pytest.param("http", "request", 45_000, False, marks=long_form),
        pytest.param("http", "request", 45_000, True, marks=long_form),
        pytest.param("http", "answer", 4_321, True, marks=long_form),
    ],
)
def test_cut_again_and_again(
    healthy: EmbeddedServer, runs: Runs, tmp_path: Path, protocol: str, of: Way, after: int, gently: bool
) -> None:
    """In the middle of requests or of answers; each connection carries a few frames."""
    with network(port(healthy, protocol)) as way:
        way.cut = Cut(way=of, after=after, gently=gently)
        finish(runs.start(tmp_path, *through(way, protocol), "--no-video"))
        assert way.cuts >= 10 and way.connections >= 10
    runs.assert_complete(tmp_path)


@protocols("http")
def test_away_for_a_while(healthy: EmbeddedServer, runs: Runs, tmp_path: Path, protocol: str) -> None:
    with network(port(healthy, protocol)) as way:
        process = runs.start(tmp_path, *through(way, protocol))
        wait_for_frames(way, 50)
        way.down()
        wait_for_line(process, "warning: server away, waiting ")
        way.up()
        wait_for_line(process, "is back after ")
        finish(process)
    runs.assert_complete(tmp_path)


@protocols("grpc")
def test_away_for_good(healthy: EmbeddedServer, runs: Runs, tmp_path: Path, protocol: str) -> None:
    with network(port(healthy, protocol)) as way:
        process = runs.start(tmp_path, *through(way, protocol), "--retry-for", 1)
        wait_for_frames(way, 100)
        way.down()
        _, err = finish(process, status=1)
        assert re.search(rf"error: .*127\.0\.0\.1:{way.port} has not answered for 1 s: ", err)
        assert 50 < runs.assert_accounted_for(tmp_path, err) < runs.count
        way.up()
        runs.rerun(tmp_path, *through(way, protocol))


@pytest.mark.parametrize("retry_for", [60, pytest.param(30, marks=long_form)])
def test_connections_that_are_half_open(healthy: EmbeddedServer, runs: Runs, tmp_path: Path, retry_for: int) -> None:
    """Nobody says that they have ended; only deadlines tell. Both protocols at a time, as that takes 20 s and more.

    A call that has reached its deadline is repeated for so long: by then, the connection has to be known as dead.
    """
    with network(port(healthy, "grpc")) as grpc, network(port(healthy, "http")) as http:
        ways = {"grpc": grpc, "http": http}
        for way in ways.values():
            way.silent_after = 50 * _IMAGE
        options = ("--no-video", "--retry-for", retry_for)
        processes = {name: runs.start(tmp_path / name, *through(way, name), *options) for name, way in ways.items()}
        for name, process in processes.items():
            _, err = finish(process)
            assert re.search(rf"note: the server at {name}://127\.0\.0\.1:{ways[name].port} is back after ", err)
            runs.assert_complete(tmp_path / name)


@protocols("grpc")
def test_half_open_from_the_beginning(healthy: EmbeddedServer, runs: Runs, tmp_path: Path, protocol: str) -> None:
    with network(port(healthy, protocol)) as way:
        way.new_are_silent = True
        _, err = finish(runs.start(tmp_path, *through(way, protocol)), status=1)
        assert f"error: no Triton server is ready at {protocol}://127.0.0.1:{way.port} (" in err
        assert not list(tmp_path.iterdir())
        way.new_are_silent = False
        runs.rerun(tmp_path, *through(way, protocol))


@protocols("http")
def test_interruption_while_nothing_comes(healthy: EmbeddedServer, runs: Runs, tmp_path: Path, protocol: str) -> None:
    with network(port(healthy, protocol)) as way:
        process = runs.start(tmp_path, *through(way, protocol), "--no-video")
        wait_for_frames(way, 50)
        way.fall_silent()
        wait_for_line(process, "warning: no answer from the server at ")
        process.send_signal(signal.SIGINT)
        finish(process, status=130)
        runs.rerun(tmp_path, *through(way, protocol))


@pytest.mark.parametrize(
    "code",
    [
        http2.INTERNAL_ERROR,
        http2.CANCEL,
        pytest.param(http2.NO_ERROR, marks=long_form),
        pytest.param(http2.PROTOCOL_ERROR, marks=long_form),
        pytest.param(http2.REFUSED_STREAM, marks=long_form),
        pytest.param(http2.ENHANCE_YOUR_CALM, marks=long_form),
    ],
)
def test_streams_that_are_reset(healthy: EmbeddedServer, runs: Runs, tmp_path: Path, code: int) -> None:
    """As proxies before a server do when what is behind them goes."""
    breakers: list[Breaker] = []

    def change() -> Breaker:
        breakers.append(Breaker(7, code))
        return breakers[-1]

    with network(port(healthy, "grpc"), change) as way:
        finish(runs.start(tmp_path, *through(way, "grpc"), "--no-video"))
    assert sum(breaker.broken for breaker in breakers) >= runs.count // 7
    runs.assert_complete(tmp_path)


def test_farewells(healthy: EmbeddedServer, runs: Runs, tmp_path: Path) -> None:
    """GOAWAY: what is under way is finished, what comes next takes another connection."""
    with network(port(healthy, "grpc"), lambda: Breaker(20, http2.NO_ERROR, farewell=True)) as way:
        finish(runs.start(tmp_path, *through(way, "grpc"), "--no-video"))
        assert way.connections >= 10
    runs.assert_complete(tmp_path)
