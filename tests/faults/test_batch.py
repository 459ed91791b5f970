"""``mot batch`` with servers elsewhere, over a network that cuts, and with one that gets another model on the way."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from tests.command import finish, start
from tests.faults.proxy import Cut, network
from tests.faults.results import assert_complete, files_of
from tests.faults.runs import Runs, port, protocols, retrained, through
from tests.tiny_model import TINY

pytestmark = pytest.mark.triton
NAMES = ("a", "b", "c")

Batch = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def batch(runs: Runs, tmp_path: Path) -> Batch:
    """A batch of three videos with the same content."""
    (tmp_path / "in").mkdir()
    for name in NAMES:
        shutil.copy(runs.video, tmp_path / f"in/{name}.mp4")
    return lambda *options: start("batch", tmp_path / "in", "-o", tmp_path / "out", "--conf-thres", 0.2, *options)


@protocols("grpc")
def test_cut_again_and_again(healthy: EmbeddedServer, runs: Runs, batch: Batch, tmp_path: Path, protocol: str) -> None:
    with network(port(healthy, protocol)) as way:
        way.cut = Cut(way="answer", after=9_999)
        out, _ = finish(batch(*through(way, protocol), "--jobs", 2))
        assert way.cuts >= 10
    assert "3 videos: 3 tracked, in " in out
    for name in NAMES:
        assert_complete(tmp_path / "out", name, runs.undisturbed, runs.count)


def test_another_model_on_the_way(
    tiny_repository: Path, healthy: EmbeddedServer, runs: Runs, batch: Batch, tmp_path: Path
) -> None:
    """What is finished is the first one's; nothing is mixed, or has the other's rows under the first one's record."""
    newer, out = retrained(tmp_path / "newer", 2, TINY), tmp_path / "out"
    with EmbeddedServer(newer, instances=1) as second, network(port(healthy, "grpc")) as way:
        way.bytes_per_s = 600_000  # so that a video takes some seconds
        process = batch(*through(way, "grpc"))
        way.wait((out / "a.txt").exists)
        way.leads_to(port(second, "grpc"))
        way.bytes_per_s = None
        _, err = finish(process, status=1)
        assert "the server has another model" in err and "version" in err
        assert_complete(out, "a", runs.undisturbed, runs.count)
        for name in NAMES[1:]:
            assert not files_of(out, name) & {f"{name}.txt", f"{name}.json"}
        _, err = finish(batch(*through(way, "grpc")), status=1)
        assert 'made with other settings (model.version: "1" -> "2")' in err
        finish(batch(*through(way, "grpc"), "--overwrite"))
    rows = runs.rows_of(newer, tmp_path / "undisturbed")
    for name in NAMES:
        assert_complete(out, name, rows, runs.count)
