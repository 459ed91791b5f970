"""The site, its servers and clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.serving.network import NetworkConfig
from tests.client.live.watched import FRAMES, LONG, Site
from tests.client.video.rtsp import Server
from tests.command import colours
from tests.media import make_video
from tests.tiny_model import repository


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> NetworkConfig:
    return NetworkConfig(kind="local", model_repository=repository(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("clips") / "clip.mp4", colours(FRAMES, 320, 240), rate=20)


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("clips") / "long.mp4", colours(LONG, 320, 240), rate=20)


@pytest.fixture
def serve(clip: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(path: Path = clip, jump: float | None = None) -> Server:
        servers.append(Server(path, jump))
        servers[-1].start()
        return servers[-1]

    yield start
    for each in servers:
        each.kill()


@pytest.fixture
def site(tmp_path: Path, network: NetworkConfig) -> Site:
    return Site(tmp_path / "watched", network)
