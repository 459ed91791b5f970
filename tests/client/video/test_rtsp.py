"""A real RTSP server (GStreamer's): it ends, is killed, comes back, stalls, or stays away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from client.video.source import VideoError, Window
from client.video.stream import NetworkStream, Patience
from tests.client.video.rtsp import Server
from tests.media import make_video, number_of, numbered_image

FRAMES = 60  # ten a second


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    images = [numbered_image(n, 320, 240) for n in range(FRAMES)]
    each = Server(make_video(tmp_path / "live.mp4", images))
    each.start()
    yield each
    each.kill()


def patience(retry_for: float) -> Patience:
    return Patience(open_timeout=5, read_timeout=2, retry_for=retry_for, pause=0.2)


def test_the_end_that_it_announced_is_the_end(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with NetworkStream(server.url, Window(), patience(3)) as source:
        numbers = [number_of(frame.image) for frame in source]
    assert numbers == list(range(FRAMES))
    assert not caplog.records


def test_a_server_that_is_killed_for_good_is_an_error(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    seen = []
    with (
        NetworkStream(server.url, Window(), patience(2)) as source,
        pytest.raises(VideoError, match="it did not come back within 2 s"),
    ):
        for frame in source:
            seen.append(frame.index)
            if frame.index == 20:
                server.kill()
    assert 20 <= len(seen) < FRAMES
    assert f"stream lost after {len(seen)} frames" in caplog.text


def test_a_server_that_is_killed_and_comes_back_goes_on(server: Server) -> None:
    times: dict[int, float] = {}
    with NetworkStream(server.url, Window(end=FRAMES + 15), patience(30)) as source:
        for frame in source:
            times[frame.index] = frame.time
            if frame.index == 20:
                server.kill()
                Timer(1.0, server.start).start()
    assert list(times) == list(range(1, FRAMES + 16))
    steps = np.diff(list(times.values()))
    assert (steps > 0).all()
    assert steps.max() > 0.8, "the time without frames has passed"


def test_a_stalled_server_is_opened_again(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    indices = []
    with NetworkStream(server.url, Window(end=FRAMES - 10), patience(30)) as source:
        for frame in source:
            indices.append(frame.index)
            if frame.index == 20:
                server.signal(signal.SIGSTOP)
                Timer(6.0, server.signal, [signal.SIGCONT]).start()
    assert indices == list(range(1, FRAMES - 9))
    assert "stream lost after" in caplog.text
    assert "no answer in time" in caplog.text
