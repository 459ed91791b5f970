"""Several cameras over one real server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client.serving.server import EmbeddedServer
from mot.sequence import read_results
from tests.client.video.rtsp import Server
from tests.command import Outcome, colours, start, wait_for_line
from tests.media import make_video

pytestmark = pytest.mark.triton


def test_three_streams_over_one_triton(mot: Callable[..., Outcome], server: EmbeddedServer, tmp_path: Path) -> None:
    cameras = [Server(make_video(tmp_path / f"{n}.mp4", colours(40 + n, 320, 240), rate=20)) for n in range(3)]
    try:
        for camera in cameras:
            camera.start()
        tables = [
            f'[[camera]]\nname = "c{n}"\naddress = "{camera.url}"\nwaiting = 1000' for n, camera in enumerate(cameras)
        ]
        (tmp_path / "cameras.toml").write_text("\n".join(tables))
        outcome = mot("watch", tmp_path / "cameras.toml", "--url", server.grpc_url, "--conf-thres", 0.2)
    finally:
        for camera in cameras:
            camera.kill()
    assert outcome.status == 0, outcome.err
    for n in range(3):
        assert re.search(rf"c{n} +ended +{40 + n} +0 +0", outcome.out)
    events = [json.loads(line) for line in (tmp_path / "watched" / "events.jsonl").read_text().splitlines()]
    assert {one["camera"] for one in events if one["event"] == "appeared"} == {"c0", "c1", "c2"}


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Server]:
    """Two minutes."""
    each = Server(make_video(tmp_path / "live.mp4", colours(2400, 64, 48), rate=20))
    each.start()
    yield each
    each.kill()


def watching(camera: Server, server: EmbeddedServer, folder: Path, retry_for: float) -> subprocess.Popen[str]:
    path = folder / "cameras.toml"
    path.write_text(f'[recording]\nevery = 86400\n[[camera]]\nname = "a"\naddress = "{camera.url}"\n')
    network = ("--url", server.grpc_url, "--retry-for", retry_for, "--conf-thres", 0.2)
    return start("watch", path, *network, "--status-port", 0)


def wait_for(url: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The camera's state, once it is as it is wanted."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{url}status.json", timeout=30) as answer:
            cameras: list[dict[str, Any]] = json.load(answer)["cameras"]
        if cameras and wanted(cameras[0]):
            return cameras[0]
        time.sleep(0.05)
    raise AssertionError(f"never as it was wanted, but {cameras}")


def kill(server: EmbeddedServer) -> None:
    assert server.process
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


def test_a_server_that_was_away_has_cost_frames_that_are_counted(
    camera: Server, tiny_repository: Path, tmp_path: Path
) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server:
        process = watching(camera, server, tmp_path, 120)
        url = wait_for_line(process, "status page: ").split()[-1]
        before = wait_for(url, lambda one: one["frames"] >= 10)
        kill(server)
        wait_for_line(process, "server away, waiting ")
        away = wait_for(url, lambda one: one["dropped"] > before["dropped"] + 5)
        server.restart()
        wait_for_line(process, "is back after ")
        wait_for(url, lambda one: one["frames"] > away["frames"] + 10)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    found = re.search(r"a +stopped +(\d+) +(\d+) +\d+", out)
    assert found and int(found[2]) > before["dropped"] + 5
    (path,) = (tmp_path / "watched" / "a").glob("*.txt")
    frames = read_results(path).frames
    assert len(set(frames.tolist())) <= int(found[1]) < frames.max() <= int(found[1]) + int(found[2])


def test_a_server_that_stays_away_is_an_error_and_files_are_whole(
    camera: Server, tiny_repository: Path, tmp_path: Path
) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server:
        process = watching(camera, server, tmp_path, 1)
        url = wait_for_line(process, "status page: ").split()[-1]
        wait_for(url, lambda one: one["frames"] >= 10)
        kill(server)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "has not answered for 1 s" in err and "Traceback" not in err
    (path,) = (tmp_path / "watched" / "a").glob("*.txt")
    assert "partial" not in path.name and read_results(path).frames.max() >= 10
    events = [json.loads(line) for line in (tmp_path / "watched" / "events.jsonl").read_text().splitlines()]
    assert events[-1]["state"] == "failed"
