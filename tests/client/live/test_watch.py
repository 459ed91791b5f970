"""Cameras that are watched side by side to their ends, or until somebody stops it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import client.live.watch as watch_module
from client.live.cameras import Camera, Cameras, CameraTracker, Recording
from client.live.watch import watch
from client.serving.network import NetworkConfig
from client.serving.networks import Networks
from tests.client.live.servers import free_port
from tests.client.live.watched import FRAMES, LONG, TRACKER, Script, Site, by_file
from tests.client.video.rtsp import Server
from tests.command import colours
from tests.media import make_video


def test_whole_streams_are_tracked_side_by_side_as_their_files_are(
    site: Site, serve: Callable[..., Server], clip: Path, network: NetworkConfig
) -> None:
    script = Script()
    outcome = site.watch({"door": serve().url, "hall": serve().url}, script)
    assert outcome.good
    expected = by_file(clip, network)
    assert len(expected) >= FRAMES
    for camera in ("door", "hall"):
        assert script.of(camera) == ["live", "ended"]
        rows = site.rows(camera)
        assert rows[:, :2].tolist() == expected[:, :2].tolist()
        assert np.abs(rows[:, 2:] - expected[:, 2:]).max() < 0.1
        counts = site.events(camera, "counts")
        assert sum(one["frames"] for one in counts) == FRAMES
        assert sum(one["people"]["appeared"] for one in counts) == len(site.events(camera, "appeared")) > 0
        assert len(site.events(camera, "left")) == len(site.events(camera, "appeared"))
    assert [one.frames for one in outcome.cameras] == [FRAMES, FRAMES]


def test_a_camera_may_have_a_tracker_of_its_own(clip: Path, network: NetworkConfig, tmp_path: Path) -> None:
    own = CameraTracker(name="byte", settings={"conf_thres": 0.25, "high_thres": 0.2})
    cameras = Cameras(
        output=tmp_path,
        recording=Recording(every=86_400),
        camera=(
            Camera(name="own", address=str(clip), tracker=own),
            Camera(name="usual", address=str(clip)),
        ),
    )
    with Networks(2) as networks:
        outcome = watch(cameras, networks, network, tracker=TRACKER)
    assert outcome.good and [one.frames for one in outcome.cameras] == [FRAMES, FRAMES]
    records = {}
    for name in ("own", "usual"):
        (path, *_) = sorted((tmp_path / name).glob("*.json"))
        records[name] = json.loads(path.read_text())["settings"]
    assert records["own"]["tracker"] == "byte" and records["own"]["parameters"] == asdict(own.config())
    assert records["usual"]["tracker"] == TRACKER.name and records["usual"]["parameters"]["conf_thres"] == 0.2


def test_one_that_was_never_there_is_lost_and_the_others_go_on(site: Site, serve: Callable[..., Server]) -> None:
    script = Script()
    nowhere = f"rtsp://127.0.0.1:{free_port()}/live"
    outcome = site.watch({"away": nowhere, "here": serve().url}, script, retry_for=0.5)
    assert [one.phase for one in outcome.cameras] == ["lost", "ended"]
    assert outcome.cameras[1].frames == FRAMES and not outcome.good
    assert not (site.folder / "away").exists()


def test_who_is_too_slow_leaves_out_the_oldest_and_says_how_many(
    site: Site, serve: Callable[..., Server], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    count = 120
    server = serve(make_video(tmp_path / "clip.mp4", colours(count, 320, 240), rate=20))

    class Slow(Script):
        watches: Any = ()

        def begun(self, watches: Any, outboxes: Any) -> None:
            self.watches = watches

        def frame(self, camera: str) -> None:
            super().frame(camera)
            if self.frames[camera] == 1:
                state, deadline = self.watches[0].state, time.monotonic() + 60
                before = state.snapshot.dropped
                while state.snapshot.dropped < before + 10:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)

    outcome = site.watch({"door": server.url}, Slow(), waiting=3)
    (door,) = outcome.cameras
    assert door.dropped >= 10
    assert door.frames + door.dropped == count, "each is tracked, or counted as left out"
    assert site.rows("door")[-1, 0] >= door.frames + 10, "the numbers of those left out are free"
    assert "waiting frames" in caplog.text
    assert sum(one["dropped"] for one in site.events("door", "counts")) == door.dropped


def test_a_webhook_that_is_away_holds_no_frame_up_and_is_no_good_end(
    site: Site, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_LAST_GRACE_S", 3)
    events = {"interval": 1, "webhook": {"url": f"http://127.0.0.1:{free_port()}/in"}}
    outcome = site.watch({"door": serve().url}, Script(), events=events)
    assert outcome.cameras[0].frames == FRAMES
    assert outcome.undelivered == sum(1 for _ in (site.folder / "events.jsonl").open()) > 0
    assert not outcome.good


def test_a_stop_completes_the_files_with_every_frame_that_was_read(
    site: Site, serve: Callable[..., Server], long_clip: Path
) -> None:
    script = Script(lambda _, frame: script.stop.set() if frame == 15 else None)
    outcome = site.watch({"door": serve(long_clip).url}, script, recording={"every": 86_400, "video": True})
    assert outcome.good and script.of("door") == ["live", "stopped"]
    (door,) = outcome.cameras
    assert 15 <= door.frames < LONG
    assert site.rows("door")[-1, 0] == door.frames
    pictures = 0
    for path in (site.folder / "door").glob("*.mp4"):
        with av.open(str(path)) as container:
            pictures += sum(1 for _ in container.decode(video=0))
    assert pictures == door.frames
    assert not [path for path in (site.folder / "door").iterdir() if "partial" in path.name]
    assert sum(one["frames"] for one in site.events("door", "counts")) == door.frames


def test_lines_of_another_picture_end_that_camera_alone(
    site: Site, clip: Path, network: NetworkConfig, caplog: pytest.LogCaptureFixture
) -> None:
    cameras = Cameras(
        output=site.folder,
        camera=[  # type: ignore[arg-type]
            {"name": "door", "address": str(clip), "places": {"width": 100, "height": 900}},
            {"name": "hall", "address": str(clip)},
        ],
    )
    with Networks(2) as networks:
        outcome = watch(cameras, networks, network, tracker=TRACKER)
    assert [one.phase for one in outcome.cameras] == ["failed", "ended"]
    assert "another shape" in outcome.cameras[0].cause and "another shape" in caplog.text
    assert not outcome.good
