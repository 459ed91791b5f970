"""``mot track`` and a server that is stopped, or comes back with another model; see test_cli_server for killed ones."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from mot.contract import ModelSpec
from tests.client.ui.pages import Watched, job_spec, page_settings, worker
from tests.command import finish, wait_for_line
from tests.faults.proxy import network
from tests.faults.results import assert_complete
from tests.faults.runs import Runs, long_form, port, protocols, retrained, through
from tests.frozen import frozen
from tests.tiny_model import TINY

pytestmark = pytest.mark.triton


@protocols("grpc")
def test_stopped_and_continued(tiny_repository: Path, runs: Runs, tmp_path: Path, protocol: str) -> None:
    with EmbeddedServer(tiny_repository, instances=1) as server, network(port(server, protocol)) as way:
        process = runs.start(tmp_path, *through(way, protocol))
        way.wait(lambda: way.passed["answer"] > 20_000)
        with frozen(server):
            wait_for_line(process, "warning: no answer from the server at ")
        wait_for_line(process, "is back after ")
        finish(process)
    runs.assert_complete(tmp_path)


@pytest.mark.parametrize(
    ("protocol", "version", "spec", "difference"),
    [
        ("grpc", 2, TINY, "version 1 -> 2"),
        ("http", 1, replace(TINY, top_k=7), "top_k 5 -> 7"),
        pytest.param("http", 2, TINY, "version 1 -> 2", marks=long_form),
        pytest.param("grpc", 1, replace(TINY, recipe="longer"), "recipe none -> longer", marks=long_form),
        pytest.param("http", 1, replace(TINY, recipe="longer"), "recipe none -> longer", marks=long_form),
        pytest.param("grpc", 1, replace(TINY, top_k=7), "top_k 5 -> 7", marks=long_form),
    ],
)
def test_comes_back_with_another_model(
    tiny_repository: Path, runs: Runs, tmp_path: Path, protocol: str, version: int, spec: ModelSpec, difference: str
) -> None:
    newer = retrained(tmp_path / "newer", version, spec)
    out = tmp_path / "out"
    with EmbeddedServer(tiny_repository, instances=1) as server:
        http, grpc, metrics = server.ports
        process = runs.start(out, "--url", f"{protocol}://127.0.0.1:{port(server, protocol)}")
        wait_for_line(process, "walk: frame 1 of ")
        assert server.process
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
    with EmbeddedServer(newer, instances=1, http_port=http, grpc_port=grpc, metrics_port=metrics) as server:
        _, err = finish(process, status=1)
        assert f"the server has another model now ({difference})" in err
        assert 0 < runs.assert_accounted_for(out, err) < runs.count
        finish(runs.start(out, "--url", f"{protocol}://127.0.0.1:{port(server, protocol)}"))
    rows = runs.rows_of(newer, tmp_path / "undisturbed")
    assert rows != runs.undisturbed
    assert_complete(out, "walk", rows, runs.count)


def test_the_page_s_worker_goes_on_with_the_new_model(tiny_repository: Path, runs: Runs, tmp_path: Path) -> None:
    """The server is replaced in the middle of one job, which is done again, and between two others."""
    newer, older = retrained(tmp_path / "newer", 2, TINY), tiny_repository
    old, new = runs.undisturbed, runs.rows_of(newer, tmp_path / "undisturbed")
    with ExitStack() as stack:
        first, second = (stack.enter_context(EmbeddedServer(each, instances=1)) for each in (older, newer))
        way = stack.enter_context(network(port(first, "grpc")))
        settings = page_settings(tmp_path, engine="triton", url=f"grpc://127.0.0.1:{way.port}")
        watched = Watched(settings)
        stack.callback(watched.database.close)
        stack.enter_context(worker(settings))

        def add() -> str:
            return watched.queue.add("ann", title="walk.mp4", spec=job_spec(runs.video))

        def rows(id: str) -> str:
            job = watched.wait(id, "done", "failed", seconds=180)
            return (settings.jobs / id / str(job.published) / "result.txt").read_text()

        way.bytes_per_s = 300_000  # so that it takes some seconds
        disturbed = add()
        watched.wait_frames(disturbed, 1)
        way.leads_to(port(second, "grpc"))
        way.bytes_per_s = None
        assert rows(disturbed) == new
        assert rows(add()) == new
        way.leads_to(port(first, "grpc"))
        assert rows(add()) == old
