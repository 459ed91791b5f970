"""``mot batch`` over several real servers: videos are dealt out, and one that is lost costs no row."""

from __future__ import annotations

import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from client.serving.server import EmbeddedServer
from tests.batch_killer import begun
from tests.command import Outcome, start, walk
from tests.frozen import frozen
from tests.tiny_model import TINY, repository

pytestmark = pytest.mark.triton
NAMES, LONG = ("a", "b", "c", "d"), 800
AWAY = "127.0.0.1:1"  # nobody listens there


@pytest.fixture
def servers(tiny_repository: Path) -> Iterator[list[EmbeddedServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(EmbeddedServer(tiny_repository, instances=1)) for _ in range(2)]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name in NAMES:
        walk(folder / f"{name}.mp4", LONG)
    return folder


def answered(server: EmbeddedServer) -> int:
    """Images that have passed through its model."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    text = opener.open(server.metrics_url, timeout=10).read().decode()
    return int(re.findall(r"^nv_inference_count\{.*\} (\d+)", text, re.MULTILINE)[0])


def rows(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in folder.glob("*.txt")}


def test_videos_are_dealt_out_and_one_that_is_lost_costs_no_row(
    mot: Callable[..., Outcome], servers: list[EmbeddedServer], videos: Path, tmp_path: Path
) -> None:
    kept, lost = servers
    urls = [option for url in (AWAY, lost.grpc_url, kept.grpc_url) for option in ("--url", url)]
    before, out = answered(lost), tmp_path / "out"
    process = start("batch", videos, "-o", out, "--jobs", 2, "--conf-thres", 0.2, "--retry-for", 1, *urls)
    deadline = time.monotonic() + 180
    while len(begun(out)) < 2 or answered(lost) < before + 20:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    assert lost.process
    os.killpg(lost.process.pid, signal.SIGKILL)
    printed, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert f"warning: {AWAY} is left out: no Triton server is ready" in err
    assert f"warning: {lost.grpc_url} is left out from now on: " in err
    assert "4 videos: 4 tracked, in " in printed
    serial = mot(
        "track",
        *sorted(videos.iterdir()),
        "-o",
        tmp_path / "serial",
        "--no-video",
        "--conf-thres",
        0.2,
        "--url",
        kept.grpc_url,
    )
    assert serial.status == 0, serial.err
    assert rows(out) == rows(tmp_path / "serial") and rows(out).keys() == set(NAMES)


def test_servers_of_different_models_are_an_error(
    mot: Callable[..., Outcome], servers: list[EmbeddedServer], videos: Path, tmp_path: Path
) -> None:
    with EmbeddedServer(repository(tmp_path / "other", replace(TINY, recipe="another")), instances=1) as other:
        urls = ("--url", servers[0].grpc_url, "--url", other.grpc_url)
        outcome = mot("batch", videos, "-o", tmp_path / "out", *urls)
    assert outcome.status == 1 and "have different models (" in outcome.err
    assert not list((tmp_path / "out").glob("*.txt"))


def test_a_video_that_waits_for_its_server_does_not_hang(
    servers: list[EmbeddedServer], videos: Path, tmp_path: Path
) -> None:
    server, out = servers[0], tmp_path / "out"
    options = ("--url", server.grpc_url, "--conf-thres", 0.2, "--timeout", 10, "--retry-for", 300)
    process = start("batch", videos / "a.mp4", "-o", out, *options)
    before, deadline = answered(server), time.monotonic() + 180
    while answered(server) < before + 20:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    worker, stopped = begun(out)["a"], time.monotonic()
    with frozen(server):
        # An answer is missed after 5 s; from then on the worker says that it waits, until past the limit and two looks.
        while time.monotonic() < stopped + 18:
            assert process.poll() is None and begun(out) == {"a": worker}
            time.sleep(0.1)
    printed, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "1 videos: 1 tracked, in " in printed and "tried again" not in err
