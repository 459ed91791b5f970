"""Network streams: lost, silent and unreachable ones, on loopback servers."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from client.video.open import open_source
from client.video.source import VideoError, Window
from client.video.stream import NetworkStream, Patience
from tests.media import make_video, number_of, numbered_image

IMPATIENT = Patience(open_timeout=2, read_timeout=1, retry_for=0.5, pause=0.01)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twenty frames, ten a second; frame N shows N."""
    return make_video(tmp_path / "clip.mp4", [numbered_image(n) for n in range(1, 21)])


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "http"])
def test_unreachable_stream_is_an_error_without_the_password(scheme: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(VideoError, match=f"{scheme}://127.0.0.1:{port}/live: cannot be opened") as caught:
        open_source(f"{scheme}://user:secret@127.0.0.1:{port}/live?token=hidden")
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_stream_that_never_answers_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/live"
        with pytest.raises(VideoError, match="cannot be opened: no answer in time"):
            NetworkStream(url, Window(), Patience(open_timeout=0.5))


class _Server:
    """Answers the n-th request with the n-th body and closes the connection; later ones with an error."""

    def __init__(self, bodies: list[bytes], content_type: str, *, announce: bool) -> None:
        self.requests = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests += 1
                if server.requests > len(bodies):
                    self.send_error(503)
                    return
                body = bodies[server.requests - 1]
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                if announce:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/some/door.cam"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def _camera_body(numbers: range) -> bytes:
    """Multipart JPEG, as HTTP cameras send it."""
    parts = []
    for n in numbers:
        jpeg = cv2.imencode(".jpg", numbered_image(n))[1].tobytes()
        parts.append(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg))
    return b"".join(parts)


@pytest.fixture
def camera_server() -> Iterator[_Server]:
    """Ten frames, a lost connection, ten more, then no answer but an error."""
    bodies = [_camera_body(range(1, 11)), _camera_body(range(11, 21))]
    server = _Server(bodies, "multipart/x-mixed-replace;boundary=frame", announce=False)
    yield server
    server.close()


def test_lost_stream_is_opened_again_and_numbers_go_on(
    camera_server: _Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with NetworkStream(camera_server.url, Window(end=15), IMPATIENT) as source:
        assert (source.live, source.frame_count, source.name) == (True, None, "127.0.0.1-door")
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(1, 16))
    assert [number_of(frame.image) for frame in frames] == list(range(1, 16))
    assert np.all(np.diff([frame.time for frame in frames]) > 0)
    assert "stream lost after 10 frames" in caplog.text
    assert "connecting again (waited 0 of 0 s)" in caplog.text


def test_stream_that_does_not_come_back_is_an_error_after_its_frames(camera_server: _Server) -> None:
    seen = []
    with (
        NetworkStream(camera_server.url, Window(), IMPATIENT) as source,
        pytest.raises(VideoError, match=r"cannot be opened again: .*check the network"),
    ):
        for frame in source:
            seen.append(frame.index)
    assert seen == list(range(1, 21))


def test_patience_is_counted_from_the_last_frame() -> None:
    bodies = [_camera_body(range(first, first + 10)) for first in (1, 11, 21, 31)]
    server = _Server(bodies, "multipart/x-mixed-replace;boundary=frame", announce=False)
    try:
        with NetworkStream(server.url, Window(end=40), IMPATIENT) as source:
            numbers = [number_of(frame.image) for frame in source]
    finally:
        server.close()
    assert numbers == list(range(1, 41)), "three losses, each of them within the time that is allowed for one"


def _transport_stream(tmp_path: Path, numbers: range) -> bytes:
    path = tmp_path / f"{numbers.start}.ts"
    # A picture that says more than its number, so that its packets are not a few bytes.
    return make_video(path, [numbered_image(n, 320, 240) for n in numbers]).read_bytes()


def test_body_of_unknown_length_that_stops_is_lost_and_opened_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bodies = [_transport_stream(tmp_path, range(1, 21)), _transport_stream(tmp_path, range(21, 41))]
    server = _Server(bodies, "video/mp2t", announce=False)
    numbers = []
    try:
        with NetworkStream(server.url, Window(), IMPATIENT) as source, pytest.raises(VideoError, match="did not come"):
            for frame in source:
                numbers.append(number_of(frame.image))
    finally:
        server.close()
    assert numbers == list(range(1, 41))
    assert "stream lost after 20 frames: the connection broke off" in caplog.text


def test_body_of_unknown_length_that_begins_again_is_read_on(tmp_path: Path) -> None:
    whole = _transport_stream(tmp_path, range(1, 41))
    server = _Server([whole[: len(whole) // 188 // 2 * 188], whole, whole], "video/mp2t", announce=False)
    try:
        with NetworkStream(server.url, Window(), IMPATIENT) as source:
            frames = list(source)
    finally:
        server.close()
    assert [number_of(frame.image) for frame in frames] == list(range(1, 41)), "each once, and then it is the end"
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(40)], abs=1e-3)


def test_body_of_known_length_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = _Server([_transport_stream(tmp_path, range(1, 21))] * 9, "video/mp2t", announce=True)
    try:
        with NetworkStream(server.url, Window(), IMPATIENT) as source:
            assert [number_of(frame.image) for frame in source] == list(range(1, 21))
    finally:
        server.close()
    assert not caplog.records


def test_file_that_is_cut_on_the_web_server_ends_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = [np.random.default_rng(n).integers(0, 255, (48, 64, 3), dtype=np.uint8) for n in range(40)]
    whole = make_video(tmp_path / "whole.mkv", images).read_bytes()
    server = _Server([whole[: len(whole) // 2]] * 9, "video/x-matroska", announce=True)
    try:
        with NetworkStream(server.url, Window(), IMPATIENT) as source:
            assert 10 < len(list(source)) < 35
    finally:
        server.close()
    assert "its header announces 4 s; is the file cut off or damaged?" in caplog.text


def test_file_on_a_web_server_ends(clip: Path) -> None:
    server = _Server([clip.read_bytes()] * 9, "video/mp4", announce=True)
    try:
        with NetworkStream(server.url, Window(start=3), IMPATIENT) as source:
            assert (source.live, source.frame_rate, source.frame_count) == (False, 10, 18)
            assert [number_of(frame.image) for frame in source] == list(range(3, 21))
    finally:
        server.close()
