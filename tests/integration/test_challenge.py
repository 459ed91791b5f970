"""A benchmark through real servers: several sequences share one, and its batcher."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from client.challenge.task import Task, find_challenge
from client.serving.network import NetworkConfig
from client.serving.server import EmbeddedServer
from client.tracking import OverlapReidConfig
from tests.benchmarks.batching import batched_repository, mean_batch
from tests.client.challenge.benchmark import make_benchmark
from tests.client.jobs.sequences import RunConfig, run_tasks, with_values
from tests.command import children, start, wait_for_line
from tests.media import names

pytestmark = pytest.mark.triton

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, ...]:
    lengths = {f"train/MOT20-0{number}": 40 + number for number in (1, 2, 3, 5)}
    return find_challenge(make_benchmark(tmp_path_factory.mktemp("MOT20"), lengths), "train").tasks


@pytest.fixture
def config(tiny_repository: Path, tmp_path: Path) -> RunConfig:
    return RunConfig(
        out=tmp_path / "out",
        network=NetworkConfig(kind="triton", model_repository=tiny_repository, retry_for_s=1),
        tracker=OverlapReidConfig(conf_thres=0.2),
        jobs=4,
    )


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.txt")}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_sequences_side_by_side_get_their_own_answers(
    tasks: tuple[Task, ...], config: RunConfig, tmp_path: Path, protocol: str
) -> None:
    network = with_values(config.network, protocol=protocol)
    run_tasks(tasks, replace(config, network=network))
    alone = replace(config, out=tmp_path / "alone", jobs=1, network=with_values(config.network, kind="local"))
    run_tasks(tasks, alone)
    assert len(texts(config.out)) == 4
    assert texts(config.out) == texts(alone.out)


def test_model_on_a_server_elsewhere_is_known_by_what_it_says(
    tasks: tuple[Task, ...], config: RunConfig, server: EmbeddedServer
) -> None:
    elsewhere = replace(config, network=with_values(config.network, url=server.grpc_url))
    first = run_tasks(tasks, elsewhere)
    assert first[0].record and first[0].record.settings["model"]["mot.architecture"] == "tiny"
    assert [outcome.state for outcome in run_tasks(tasks, elsewhere)] == ["kept"] * 4


def test_batcher_sees_the_frames_of_all_sequences(
    tasks: tuple[Task, ...], config: RunConfig, tiny_repository: Path, tmp_path: Path
) -> None:
    """With the container's batching: one frame at a time gives batches of one, four sequences larger ones."""
    with EmbeddedServer(batched_repository(tiny_repository, tmp_path / "models"), instances=1) as server:
        network = with_values(config.network, url=server.grpc_url, in_flight=1)
        means = {}
        for jobs in (1, 4):
            with mean_batch(server.http_url) as means[jobs]:
                run_tasks(tasks, replace(config, out=tmp_path / str(jobs), jobs=jobs, network=network))
    assert means[1].images == means[4].images == sum(task.frames for task in tasks)
    assert means[1].mean == 1
    assert means[4].mean > 1.2
    assert texts(tmp_path / "1") == texts(tmp_path / "4")


def test_own_server_that_dies_costs_time_and_no_row(tiny_repository: Path, tmp_path: Path) -> None:
    lengths = {"train/MOT20-01": 300, "train/MOT20-02": 400, "train/MOT20-03": 400}
    root = make_benchmark(tmp_path / "MOT20", lengths)
    fixed = ("challenge", "track", "--root", root, "--split", "train", "--conf-thres", 0.2, "--jobs", 3)
    process = start(*fixed, "--model-repository", tiny_repository, "--out", tmp_path / "out", "--retry-for", 0.5)
    with process:
        wait_for_line(process, "MOT20: frame 1 of 1100")
        os.killpg(children(process.pid)[0], signal.SIGKILL)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    # All processes of the group were killed; which of them is missed first is chance.
    trouble = r"(has died \(status -9\)|has lost \d of its 2 model processes)"
    assert re.search(f"warning: the embedded Triton server {trouble}; restart 1 of at most 5\n", err), err
    local = ("--engine", "local", "--model-repository", tiny_repository, "--out", tmp_path / "local")
    with start(*fixed, *local) as undisturbed:
        undisturbed.communicate(timeout=300)
    assert texts(tmp_path / "out") == texts(tmp_path / "local")


def test_interruption_stops_the_own_server_and_keeps_what_is_finished(tiny_repository: Path, tmp_path: Path) -> None:
    lengths = {"train/MOT20-01": 20, "train/MOT20-02": 1200, "train/MOT20-03": 1200}
    root = make_benchmark(tmp_path / "MOT20", lengths)
    fixed = ("challenge", "track", "--root", root, "--split", "train", "--out", tmp_path / "out", "--jobs", 3)
    process = start(*fixed, "--model-repository", tiny_repository, "--conf-thres", 0.2)
    with process:
        wait_for_line(process, "MOT20: frame 1 of 2420")
        while not (tmp_path / "out/MOT20-01.txt").exists():
            assert process.poll() is None
        server = children(process.pid)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert {name for name in names(tmp_path / "out") if re.fullmatch(r"[\w-]+\.txt", name)} == {"MOT20-01.txt"}
    assert server and not any(Path(f"/proc/{child}").exists() for child in server)
    assert not list(SHARED_MEMORY.glob(f"mot-triton-{process.pid}-*"))
