"""A model of one's own, from a file to the client: by path, by name, by the engine in process and by servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.detection.triton import TritonDetector
from client.serving.server import EmbeddedServer
from mot.contract import ModelSpec
from mot.errors import MotError
from tests.command import start, walk
from tests.tiny_model import TINY, repository, save

pytestmark = pytest.mark.triton
OTHER = ModelSpec(architecture="tiny", height=64, width=96, top_k=7, embedding_dim=16, recipe="other")

Track = Callable[..., str]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk(tmp_path_factory.mktemp("video") / "walk.mp4", 20)


@pytest.fixture
def track(video: Path, tmp_path: Path) -> Track:
    """Runs ``mot track``; its rows, or where it fails, its error."""

    def run(*arguments: object) -> str:
        process = start("track", video, "--conf-thres", 0.2, "--no-video", "--output", tmp_path / "out", *arguments)
        with process:
            _, err = process.communicate(timeout=300)
        rows = tmp_path / "out/walk.txt"
        assert (process.returncode == 0) == rows.is_file(), err
        text = rows.read_text() if rows.is_file() else err
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        return text

    return run


@pytest.fixture(scope="module")
def people(tiny_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose only model has another name than its configuration says, as after moving its folder."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(tiny_repository / "fairmot", folder / "people")
    return folder


@pytest.fixture(scope="module")
def serving_people(people: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(people, model="people", instances=1) as server:
        yield server


def test_one_onnx_file_is_tracked_with_by_both_engines(tiny_repository: Path, track: Track, tmp_path: Path) -> None:
    alone = save(tmp_path / "mine.onnx")
    rows = track("--engine", "local", "--model-repository", tiny_repository)
    assert rows.startswith("1,1,")
    assert track("--engine", "local", "--model", alone) == rows
    assert track("--model", alone) == rows


def test_one_onnx_file_of_another_size_is_served_by_its_own_contract(tiny_repository: Path, tmp_path: Path) -> None:
    graph = save(tmp_path / "other.onnx", OTHER)
    with EmbeddedServer(tiny_repository, graph=graph, instances=1) as server:
        detector = TritonDetector(server.grpc_url)
        assert detector.spec == OTHER
        detector.close()
        server.stop(grace_s=0)


@pytest.mark.parametrize("engine", ["local", "triton"])
def test_a_repository_and_a_models_folder_are_tracked_with(people: Path, track: Track, engine: str) -> None:
    rows = track("--engine", "local", "--model", people)
    assert rows.startswith("1,1,")
    assert track("--engine", engine, "--model", people / "people") == rows
    assert track("--engine", engine, "--model", "people", "--model-repository", people) == rows


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_another_name_works_from_a_server_to_the_client(
    serving_people: EmbeddedServer, people: Path, track: Track, protocol: str
) -> None:
    url = serving_people.grpc_url if protocol == "grpc" else serving_people.http_url
    assert track("--url", url, "--model", "people") == track("--engine", "local", "--model", people)
    err = track("--url", url)
    assert "unknown model: 'fairmot'; it has people; name the one to use with --model NAME" in err


def test_serve_takes_a_path(tmp_path: Path, track: Track) -> None:
    alone = save(tmp_path / "mine.onnx")
    ports = ("--http-port", 0, "--grpc-port", 0, "--metrics-port", 0)
    process = start("serve", "--model", alone, "--instances", 1, *ports)
    assert process.stdout
    grpc = [process.stdout.readline().split()[-1] for _ in range(3)][1]
    assert track("--url", grpc) == track("--engine", "local", "--model", alone)
    process.terminate()
    process.communicate(timeout=120)


def test_the_newest_version_of_a_model_is_served(tmp_path: Path) -> None:
    models = repository(tmp_path)
    shutil.copytree(models / "fairmot/1", models / "fairmot/2")
    save(models / "fairmot/2/model.onnx", TINY)
    (models / "fairmot/1/model.onnx").write_text("the old one")
    with EmbeddedServer(models, instances=1) as server:
        server.infer(5)
        server.stop(grace_s=0)


def test_a_file_that_is_not_onnx(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_text("not a graph")
    with pytest.raises(MotError, match=r"mine\.onnx: ONNX Runtime .* cannot load it"):
        EmbeddedServer(tmp_path, graph=tmp_path / "mine.onnx").start()
