"""``mot batch`` on a Ray cluster of two machines (processes of this one), with all that can be lost."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client.batch.cluster import RayCluster
from client.batch.summary import CSV
from client.jobs.record import Record
from client.jobs.spec import JobError
from client.serving.keeper import is_running
from client.serving.server import EmbeddedServer
from tests.batch_killer import begun, killing
from tests.command import start, walk

pytest.importorskip("ray", reason="pip install 'fairmot-mit[batch]' for Ray")
pytestmark = pytest.mark.triton
FRAMES = {f"v{number}": 900 + 100 * number for number in range(5)}
SERVER_AWAY_S = 120  # that is waited for at most
_NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}


class Machines:
    """A head without work, and two machines with a video at a time each."""

    def __init__(self, folder: str) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 100_000_000, "temp_dir": folder}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._nodes = [self._cluster.add_node(**_NODE) for _ in range(2)]
        self.address: str = self._cluster.address

    def of(self, process: int) -> Any:
        """The machine that a worker is on; None where it is gone."""
        try:
            parent = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return None
        raylets = {node.all_processes["raylet"][0].process.pid: node for node in self._nodes}
        return raylets.get(parent)

    def lose(self, node: Any) -> None:
        self._cluster.remove_node(node, allow_graceful=False)
        self._nodes.remove(node)

    def make_whole(self) -> None:
        while len(self._nodes) < 2:
            self._nodes.append(self._cluster.add_node(**_NODE))

    def shutdown(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # sockets are in it, whose paths must be short
    before = dict(os.environ)
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ENABLE_UV_RUN_RUNTIME_ENV="0")
    made = Machines(folder)
    try:
        yield made
    finally:
        made.shutdown()
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, count in FRAMES.items():
        walk(folder / f"{name}.mp4", count)
    return folder


@pytest.fixture(scope="module")
def serial(videos: Path, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Rows of each video, as `mot track` makes them, one after the other."""
    folder = tmp_path_factory.mktemp("serial")
    inputs = sorted(videos.iterdir())
    process = start("track", *inputs, "--no-video", "-o", folder, "--url", server.grpc_url, "--conf-thres", 0.2)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return texts(folder)


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.txt")}


def done(folder: Path) -> dict[Path, int]:
    """Records of finished videos, and when they were written."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("*.json") if ".partial." not in path.name}


def eventually(found: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 180) -> Any:
    """What the function gives as soon as it gives anything; the batch has to be at work meanwhile."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)
    return result


def finish(process: subprocess.Popen[str], status: int) -> tuple[str, str]:
    try:
        out, err = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == status, (out, err)
    assert "Traceback" not in err
    return out, err


def test_a_lost_machine_a_lost_server_and_a_video_that_kills(
    machines: Machines, videos: Path, tiny_repository: Path, serial: dict[str, bytes], tmp_path: Path
) -> None:
    machines.make_whole()
    out = tmp_path / "out"
    poison = walk(tmp_path / "poison.mp4", 300)
    with EmbeddedServer(tiny_repository, instances=1) as server:
        options = ("--url", server.grpc_url, "--conf-thres", 0.2, "--retry-for", SERVER_AWAY_S)
        with killing(out, "poison") as killed:
            process = start("batch", videos, poison, "-o", out, "--ray", machines.address, *options)

            def at_work() -> Any:
                nodes = {machines.of(pid) for name, pid in begun(out).items() if name != "poison"}
                return next((node for node in nodes if node is not None), None)

            machines.lose(eventually(at_work, process))
            eventually(at_work, process)  # the other one
            server.kill()
            server.restart()
            printed, err = finish(process, 1)
    assert "6 videos: 5 tracked, 1 set aside, in " in printed
    assert "tried again: its machine was lost: " in err
    assert len(killed) >= 3 and "error: poison: set aside after 3 tries: its worker has died" in err
    assert texts(out) == serial
    with (out / CSV).open(newline="", encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert {name: int(row["frames"]) for name, row in rows.items() if name != "poison"} == FRAMES
    assert rows["poison"]["state"] == "set aside" and rows["poison"]["tries"] == "3"


def test_a_batch_that_is_stopped_and_killed_goes_on(
    machines: Machines, videos: Path, server: EmbeddedServer, serial: dict[str, bytes], tmp_path: Path
) -> None:
    machines.make_whole()
    out = tmp_path / "out"
    options = ("--url", server.grpc_url, "--conf-thres", 0.2)
    given = ("batch", videos, "-o", out, "--ray", machines.address, *options)

    process = start(*given)
    eventually(lambda: begun(out), process)
    process.send_signal(signal.SIGTERM)
    finish(process, 130)
    records = [Record.read(out, name, done=False) for name in FRAMES]  # none of those done in this moment, or not begun
    assert {record.state for record in records if record} <= {"stopped"}

    process = start(*given)
    eventually(lambda: done(out) and begun(out), process)
    workers = set(begun(out).values())
    process.kill()
    process.communicate()
    eventually_gone = time.monotonic() + 120
    while any(is_running(pid) for pid in workers | set(begun(out).values())):  # Ray ends what was the driver's
        assert time.monotonic() < eventually_gone, "tasks outlive the batch"
        time.sleep(0.01)
    before = done(out)

    process = start(*given)
    printed, _ = finish(process, 0)
    assert f"5 videos: {5 - len(before)} tracked, {len(before)} kept, in " in printed
    assert texts(out) == serial
    assert before.items() <= done(out).items()  # what was done is not done again


def test_no_cluster() -> None:
    with pytest.raises(JobError, match=r"--ray 127\.0\.0\.1:1: no cluster: "), RayCluster("127.0.0.1:1"):
        pass


def test_a_worker_that_hangs_is_killed_and_the_others_go_on(
    machines: Machines, videos: Path, server: EmbeddedServer, serial: dict[str, bytes], tmp_path: Path
) -> None:
    machines.make_whole()
    silent, out = tmp_path / "silent.mp4", tmp_path / "out"
    os.mkfifo(silent)
    held = os.open(silent, os.O_RDWR)  # somebody who never writes
    try:
        inputs = (silent, videos / "v0.mp4", videos / "v1.mp4")
        options = ("--url", server.grpc_url, "--conf-thres", 0.2, "--timeout", 15, "--tries", 2)
        process = start("batch", *inputs, "-o", out, "--ray", machines.address, *options)
        _, err = finish(process, 1)
    finally:
        os.close(held)
    reason = "no new frame for 15 s (--timeout): its worker was killed"
    assert f"silent: tried again: {reason}" in err
    assert f"silent: set aside after 2 tries: {reason}" in err
    assert texts(out) == {name: serial[name] for name in ("v0.txt", "v1.txt")}
