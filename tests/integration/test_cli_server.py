"""The command ``mot`` with real servers: its own, one elsewhere, and servers that die."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from mot.sequence import read_results
from tests.client.detection.small_servers import proxy
from tests.command import children, finish, start, up_to, wait_for_line, walk
from tests.media import names

pytestmark = pytest.mark.triton
COUNT = 800
SHARED_MEMORY = Path("/dev/shm")


def eventually(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def inferences(server: EmbeddedServer) -> int:
    with urllib.request.urlopen(server.metrics_url, timeout=30) as answer:
        found = re.search(r'nv_inference_request_success\{model="fairmot"[^}]*\} (\d+)', answer.read().decode())
    return int(found[1]) if found else 0


def kill_in_mid_video(server: EmbeddedServer, process: subprocess.Popen[str]) -> None:
    """Kill the server when it has answered a few dozen frames, long before the last."""
    assert server.process
    before = inferences(server)
    eventually(lambda: inferences(server) > before + 50)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    assert process.poll() is None


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk(tmp_path_factory.mktemp("video") / "walk.mp4", COUNT)


@pytest.fixture(scope="module")
def undisturbed(video: Path, tiny_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The rows of the local engine."""
    out = tmp_path_factory.mktemp("undisturbed")
    engine = ("--engine", "local", "--model-repository", tiny_repository)
    finish(start("track", video, "--conf-thres", 0.2, "--no-video", "--output", out, *engine))
    rows = (out / "walk.txt").read_text()
    assert rows.startswith("1,1,") and f"\n{COUNT}," in rows
    return rows


@pytest.fixture
def track(video: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    fixed = ("--conf-thres", 0.2, "--no-video", "--output", tmp_path)
    return lambda *arguments: start("track", video, *fixed, *arguments)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_own_server_gives_the_rows_of_the_local_engine_and_is_gone_afterwards(
    track: Callable[..., subprocess.Popen[str]],
    tiny_repository: Path,
    undisturbed: str,
    tmp_path: Path,
    protocol: str,
) -> None:
    process = track("--model-repository", tiny_repository, "--protocol", protocol, "--end", 100)
    out, _ = finish(process)
    assert (tmp_path / "walk.txt").read_text() == up_to(100, undisturbed)
    assert str(tmp_path / "walk.txt") in out
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))


def test_broken_model_on_the_own_server(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(tiny_repository, tmp_path / "models"))
    (broken / "fairmot/1/model.onnx").write_text("not a graph")
    _, err = finish(track("--model-repository", broken), status=1)
    assert re.match(rf"error: {broken}/fairmot/1/model\.onnx: ONNX Runtime .* cannot load it as an ONNX model", err)
    assert "walk.txt" not in names(tmp_path)


def test_own_server_that_dies_costs_time_and_no_row(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    process = track("--model-repository", tiny_repository, "--retry-for", 0)
    wait_for_line(process, f"walk: frame 1 of {COUNT}")
    os.killpg(children(process.pid)[0], signal.SIGKILL)
    _, err = finish(process)
    # All processes of the group were killed; which of them is missed first is chance.
    trouble = r"(has died \(status -9\)|has lost \d of its \d model processes)"
    assert re.search(f"warning: the embedded Triton server {trouble}; restart 1 of at most 5\n", err), err
    assert "warning: the embedded Triton server is back after " in err
    assert (tmp_path / "walk.txt").read_text() == undisturbed
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_model_process_of_the_own_server_that_dies_costs_time_and_no_row(
    track: Callable[..., subprocess.Popen[str]],
    tiny_repository: Path,
    undisturbed: str,
    tmp_path: Path,
    protocol: str,
) -> None:
    process = track("--model-repository", tiny_repository, "--retry-for", 0, "--protocol", protocol)
    wait_for_line(process, f"walk: frame 1 of {COUNT}")
    (triton,) = children(process.pid)
    os.kill(children(triton)[0], signal.SIGKILL)
    _, err = finish(process)
    assert "warning: the embedded Triton server has lost 1 of its " in err
    assert (tmp_path / "walk.txt").read_text() == undisturbed


def test_own_server_that_dies_again_and_again_is_given_up(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    process = track("--model-repository", tiny_repository)
    wait_for_line(process, f"walk: frame 1 of {COUNT}")
    until = time.monotonic() + 60
    while process.poll() is None:
        for child in children(process.pid):
            with suppress(OSError):  # it has ended meanwhile
                if Path(f"/proc/{child}/comm").read_text().strip() == "tritonserver":
                    os.killpg(child, signal.SIGKILL)
        assert time.monotonic() < until
        time.sleep(0.05)
    _, err = finish(process, status=1)
    assert re.search(r"error: the embedded Triton server does not start again: [\s\S]*5 restarts in 10 minutes", err)
    assert undisturbed.startswith((tmp_path / "walk.partial.txt").read_text())
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_model_process_of_a_server_elsewhere_that_dies_costs_no_row(
    track: Callable[..., subprocess.Popen[str]],
    tiny_repository: Path,
    undisturbed: str,
    tmp_path: Path,
    protocol: str,
) -> None:
    """Nobody mends that server; every second request fails, and is asked again."""
    with EmbeddedServer(tiny_repository, instances=2) as server:
        process = track("--url", server.grpc_url if protocol == "grpc" else server.http_url, "--end", 200)
        wait_for_line(process, "walk: frame 1 of ")
        assert server.process
        os.kill(children(server.process.pid)[0], signal.SIGKILL)
        finish(process)
        server.stop(grace_s=0)
    assert (tmp_path / "walk.txt").read_text() == up_to(200, undisturbed)


def test_server_dies_in_mid_video_and_comes_back(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as first:
        http, grpc, metrics = first.ports
        process = track("--url", first.grpc_url)
        kill_in_mid_video(first, process)
    second = EmbeddedServer(tiny_repository, http_port=http, grpc_port=grpc, metrics_port=metrics, instances=1)
    second.start()
    try:
        finish(process)
    finally:
        second.stop(grace_s=0)
    assert (tmp_path / "walk.txt").read_text() == undisturbed
    assert names(tmp_path) == {"walk.txt", "walk.json"}


def test_server_away_is_said_and_interruption_ends_the_waiting_at_once(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server:
        process = track("--url", server.grpc_url, "--retry-for", 60)
        kill_in_mid_video(server, process)
        line = wait_for_line(process, "server away")
        assert re.fullmatch(rf"warning: server away, waiting \d+ of 60 s \({server.grpc_url}\)\n", line)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        process.wait(timeout=45)
        assert time.monotonic() - begun < 40  # not the 60 s; on a busy machine the interpreter alone takes two
        finish(process, status=130)
    assert names(tmp_path) == {"walk.partial.txt", "walk.partial.json"}


def test_server_that_is_back_is_said(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server:
        process = track("--url", server.http_url)
        kill_in_mid_video(server, process)
        wait_for_line(process, "server away, waiting ")
        server.restart()
        wait_for_line(process, f"note: the server at {server.http_url} is back after ")
        finish(process)
    assert (tmp_path / "walk.txt").read_text() == undisturbed


def test_server_never_comes_back(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server:
        url = server.http_url
        process = track("--url", url, "--retry-for", 1)
        kill_in_mid_video(server, process)
        begun = time.monotonic()
        _, err = finish(process, status=1)
        assert 0.9 < time.monotonic() - begun < 40
    assert f"error: the Triton server at {url} has not answered for 1 s: " in err
    assert names(tmp_path) == {"walk.partial.txt", "walk.partial.json"}
    rows = (tmp_path / "walk.partial.txt").read_text()
    assert undisturbed.startswith(rows)
    assert 40 < read_results(tmp_path / "walk.partial.txt").frames.max() < COUNT
    assert f"warning: {tmp_path}/walk.partial.txt: kept the " in err


def test_interruption_stops_the_own_server(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    process = track("--model-repository", tiny_repository)
    wait_for_line(process, f"walk: frame 1 of {COUNT}")
    process.send_signal(signal.SIGINT)
    finish(process, status=130)
    assert names(tmp_path) == {"walk.partial.txt", "walk.partial.json"}
    assert undisturbed.startswith((tmp_path / "walk.partial.txt").read_text())
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))


def serve(repository: Path) -> tuple[subprocess.Popen[str], list[str]]:
    """A started ``mot serve`` on free ports, and its addresses."""
    ports = ("--http-port", 0, "--grpc-port", 0, "--metrics-port", 0)
    process = start("serve", "--model-repository", repository, "--instances", 1, *ports)
    assert process.stdout
    return process, [process.stdout.readline().split()[-1] for _ in range(3)]


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_serve_until_it_is_stopped(
    track: Callable[..., subprocess.Popen[str]],
    tiny_repository: Path,
    undisturbed: str,
    tmp_path: Path,
    way: signal.Signals,
) -> None:
    process, (http, grpc, metrics) = serve(tiny_repository)
    with urllib.request.urlopen(metrics, timeout=30) as answer:
        assert b"nv_inference_request_success" in answer.read()
    with urllib.request.urlopen(f"{http}/v2/health/ready", timeout=30) as answer:
        assert answer.status == 200
    finish(track("--url", grpc, "--end", 20))
    assert (tmp_path / "walk.txt").read_text() == up_to(20, undisturbed)
    process.send_signal(way)
    process.send_signal(signal.SIGTERM)  # as some send two: the stopping goes on
    out, _ = finish(process)
    assert out.endswith("stopped\n")
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))
    assert not list(Path(tempfile.gettempdir()).glob(f"mot-triton-{process.pid}-*"))


def test_serve_restarts_its_server_on_the_same_ports_and_gives_up_after_five_times(tiny_repository: Path) -> None:
    process, (http, *_) = serve(tiny_repository)

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"{http}/v2/health/ready", timeout=30) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    for number in range(1, 7):
        eventually(ready)
        (triton,) = children(process.pid)
        if number == 3:
            eventually(lambda triton=triton: len(children(triton)) == 1)
            os.kill(children(triton)[0], signal.SIGKILL)
        else:
            os.kill(triton, signal.SIGKILL)
        if number < 6:
            what = "has lost 1 of its 1 model processes" if number == 3 else r"has died \(status -9\)"
            line = wait_for_line(process, "warning: the embedded Triton server ")
            assert re.search(rf"{what}; restart {number} of at most 5", line)
            wait_for_line(process, "is back after ")
    _, err = finish(process, status=1)
    assert err.startswith("error: the embedded Triton server has died (status -9); 5 restarts in 10 minutes have not ")
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))


def test_what_a_killed_run_leaves_is_removed_by_the_next(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    process = track("--model-repository", tiny_repository)
    wait_for_line(process, f"walk: frame 1 of {COUNT}")
    (triton,) = children(process.pid)
    os.killpg(triton, signal.SIGSTOP)  # so that it cannot tidy up
    process.kill()
    os.killpg(triton, signal.SIGKILL)
    process.communicate()
    folder = Path(tempfile.gettempdir())
    assert list(folder.glob(f"mot-triton-{process.pid}-*")) and list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))
    assert list(tmp_path.glob(f".walk.{process.pid}.partial.txt"))
    finish(track("--model-repository", tiny_repository))
    assert not list(folder.glob(f"mot-triton-{process.pid}-*"))
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))
    assert names(tmp_path) == {"walk.txt", "walk.json"}
    assert (tmp_path / "walk.txt").read_text() == undisturbed


def test_proxies_of_the_environment_do_not_stand_before_the_own_server(
    track: Callable[..., subprocess.Popen[str]],
    tiny_repository: Path,
    undisturbed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with proxy() as refusing:
        for name in ("http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{refusing.port}")
        for protocol in ("grpc", "http"):
            options = ("--model-repository", tiny_repository, "--protocol", protocol, "--overwrite")
            finish(track(*options, "--end", 20))
            assert (tmp_path / "walk.txt").read_text() == up_to(20, undisturbed)
        assert refusing.asked == []


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_elsewhere_is_reached_through_a_proxy(
    server: EmbeddedServer,
    track: Callable[..., subprocess.Popen[str]],
    undisturbed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
) -> None:
    with proxy(("127.0.0.1", server.ports[1 if protocol == "grpc" else 0])) as tunnel:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{tunnel.port}")
        finish(track("--url", f"{protocol}://triton.example:8001", "--end", 20))
        assert (tmp_path / "walk.txt").read_text() == up_to(20, undisturbed)
        assert "triton.example:8001" in tunnel.asked[0]


def test_serve_on_a_port_that_is_taken(server: EmbeddedServer, tiny_repository: Path) -> None:
    port = server.ports[0]
    process = start("serve", "--model-repository", tiny_repository, "--http-port", port)
    _, err = finish(process, status=1)
    assert err == f"error: cannot serve on 127.0.0.1:{port}: Address already in use; choose another port\n"
