"""Streams of real RTSP servers that restart, stall, change, and go away."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests.client.live.watched import FRAMES, LONG, Script, Site
from tests.client.video.rtsp import Server
from tests.command import colours
from tests.media import make_video


def killed_and_started(server: Server) -> Script:
    """Kills the server in its stream; starts it again when that is noticed; stops when frames have come again."""

    def at_frame(camera: str, frame: int) -> None:
        if frame == 20:
            server.kill()
        script.stop_when_back(camera)

    script = Script(at_frame, reconnecting=server.start)
    return script


def test_a_server_that_restarts_is_connected_to_again_and_numbers_go_on(
    site: Site, serve: Callable[..., Server], long_clip: Path
) -> None:
    server = serve(long_clip)
    script = killed_and_started(server)
    outcome = site.watch({"door": server.url}, script)
    assert outcome.good
    assert script.of("door") == ["live", "reconnecting", "live", "stopped"]
    (door,) = outcome.cameras
    assert (door.losses, door.dropped) == (1, 0)
    assert site.rows("door")[-1, 0] == door.frames >= 30, "one file, whose numbers go on"
    states = site.events("door", "camera")
    assert [one["state"] for one in states] == ["live", "reconnecting", "live", "stopped"]
    assert "server ended the stream" in states[1]["cause"] or "broke off" in states[1]["cause"]


def test_a_server_that_stalls_is_connected_to_again(site: Site, serve: Callable[..., Server], long_clip: Path) -> None:
    server = serve(long_clip)

    def at_frame(camera: str, frame: int) -> None:
        if frame == 20:
            server.signal(signal.SIGSTOP)
        script.stop_when_back(camera)

    script = Script(at_frame, reconnecting=lambda: server.signal(signal.SIGCONT))
    outcome = site.watch({"door": server.url}, script, read_timeout=2)
    assert outcome.good
    assert script.of("door")[:3] == ["live", "reconnecting", "live"]
    assert site.events("door", "camera")[1]["cause"].endswith("no answer in time")


def test_a_server_that_sets_its_clock_back_loses_no_frame(
    site: Site, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    script = Script()
    outcome = site.watch({"door": serve(jump=-1.0).url}, script)
    assert outcome.cameras[0].frames == FRAMES
    assert script.of("door") == ["live", "ended"]
    assert "jumps back by" in caplog.text


def test_a_server_that_comes_back_with_another_size_is_brought_to_the_first(
    site: Site, serve: Callable[..., Server], long_clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(long_clip)
    server.path = make_video(tmp_path / "large.mp4", colours(LONG // 4, 640, 480), rate=20)
    outcome = site.watch({"door": server.url}, killed_and_started(server), recording={"every": 86_400, "video": True})
    assert outcome.good and outcome.cameras[0].frames >= 30
    assert "pictures are of 640x480 pixels, no longer of 320x240" in caplog.text
    for path in (site.folder / "door").glob("*.mp4"):
        with av.open(str(path)) as container:
            assert (container.streams.video[0].width, container.streams.video[0].height) == (320, 240)


def test_one_that_goes_away_for_good_is_lost_and_the_others_go_on(
    site: Site, serve: Callable[..., Server], long_clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away, here = serve(long_clip), serve()
    script = Script(lambda camera, frame: away.kill() if (camera, frame) == ("away", 10) else None)
    outcome = site.watch({"away": away.url, "here": here.url}, script, retry_for=0.5)
    assert not outcome.good
    assert script.of("away") == ["live", "reconnecting", "lost"]
    assert script.of("here") == ["live", "ended"]
    lost, kept = outcome.cameras
    assert 10 <= lost.frames < LONG and kept.frames == FRAMES
    assert "did not come back within 0.5 s" in lost.cause and "did not come back" in caplog.text
    assert site.rows("away")[-1, 0] == lost.frames, "what was tracked is whole"
    assert site.events("away", "camera")[-1]["state"] == "lost"
