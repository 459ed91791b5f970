"""The command ``mot`` with real servers: its own, one elsewhere, and servers that die."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from mot.sequence import read_results
from tests.command import children, start, wait_for_line, walk
from tests.media import names

pytestmark = pytest.mark.triton
COUNT = 800
SHARED_MEMORY = Path("/dev/shm")


def finish(process: subprocess.Popen[str], status: int = 0) -> tuple[str, str]:
    """Wait for the end; its output and errors."""
    with process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert "Traceback" not in err
    return out, err


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def up_to(last: int, rows: str) -> str:
    """The rows of frames 1 to ``last``."""
    return "".join(row for row in rows.splitlines(keepends=True) if int(row.split(",")[0]) <= last)


def inferences(server: EmbeddedServer) -> int:
    with urllib.request.urlopen(server.metrics_url, timeout=5) as answer:
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
    assert re.match(r"error: Triton exited with status 1 while starting:\n[\s\S]*model\.onnx", err)
    assert "walk.txt" not in names(tmp_path)


def test_own_server_that_dies_is_named(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    process = track("--model-repository", tiny_repository, "--retry-for", 1)
    wait_for_line(process, f"walk: frame 1 of {COUNT}")
    os.killpg(children(process.pid)[0], signal.SIGKILL)
    _, err = finish(process, status=1)
    assert "error: the embedded Triton server has died (status -9):" in err
    assert undisturbed.startswith((tmp_path / "walk.partial.txt").read_text())


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


def test_server_never_comes_back(
    track: Callable[..., subprocess.Popen[str]], tiny_repository: Path, undisturbed: str, tmp_path: Path
) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server:
        url = server.http_url
        process = track("--url", url, "--retry-for", 1)
        kill_in_mid_video(server, process)
        begun = time.monotonic()
        _, err = finish(process, status=1)
        assert 0.9 < time.monotonic() - begun < 10
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


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_serve_until_it_is_stopped(
    track: Callable[..., subprocess.Popen[str]],
    tiny_repository: Path,
    undisturbed: str,
    tmp_path: Path,
    way: signal.Signals,
) -> None:
    process, (http, grpc, metrics) = serve(tiny_repository)
    with urllib.request.urlopen(metrics, timeout=5) as answer:
        assert b"nv_inference_request_success" in answer.read()
    with urllib.request.urlopen(f"{http}/v2/health/ready", timeout=5) as answer:
        assert answer.status == 200
    finish(track("--url", grpc, "--end", 20))
    assert (tmp_path / "walk.txt").read_text() == up_to(20, undisturbed)
    process.send_signal(way)
    finish(process)
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))


def test_serve_ends_with_its_server(tiny_repository: Path) -> None:
    process, _ = serve(tiny_repository)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    _, err = finish(process, status=1)
    assert err.startswith("error: Triton has ended by itself, status -9:\n") and "Started" in err
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))


def test_serve_on_a_port_that_is_taken(server: EmbeddedServer, tiny_repository: Path) -> None:
    port = server.ports[0]
    process = start("serve", "--model-repository", tiny_repository, "--http-port", port)
    _, err = finish(process, status=1)
    assert err == f"error: cannot serve on 127.0.0.1:{port}: Address already in use; choose another port\n"
