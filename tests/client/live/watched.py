"""A place with cameras that are watched as a test wants, and what was written of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from client.jobs.spec import TrackerSpec
from client.jobs.video import track_video
from client.live.cameras import Cameras
from client.live.state import Snapshot
from client.live.watch import Onlooker, Outcome, watch
from client.serving.network import NetworkConfig
from client.serving.networks import Networks
from client.video.stream import Patience
from mot.sequence import read_results

FRAMES, LONG = 60, 400  # twenty a second; a long stream has not ended before a test has done what it does to it
TRACKER = TrackerSpec(settings={"conf_thres": 0.2})


class Script(Onlooker):
    """Does what a test wants at a frame of a camera, and when a camera is in another phase."""

    def __init__(self, at_frame: Callable[[str, int], None] = lambda *_: None, **at_phase: Callable[[], None]) -> None:
        self.phases: list[tuple[str, str]] = []
        self.frames: dict[str, int] = {}
        self.stop = Event()
        self._back = 0
        self._at_frame, self._at_phase = at_frame, at_phase

    def changed(self, snapshot: Snapshot) -> None:
        self.phases.append((snapshot.name, snapshot.phase))
        self._at_phase.pop(snapshot.phase, lambda: None)()

    def frame(self, camera: str) -> None:
        self.frames[camera] = self.frames.get(camera, 0) + 1
        self._at_frame(camera, self.frames[camera])

    def stop_when_back(self, camera: str) -> None:
        """End it some frames after the camera was connected to again."""
        if self.of(camera).count("live") > 1:
            self._back += 1
            if self._back == 10:
                self.stop.set()

    def of(self, camera: str) -> list[str]:
        return [phase for name, phase in self.phases if name == camera]


class Site:
    """A folder that cameras are watched into."""

    def __init__(self, folder: Path, network: NetworkConfig) -> None:
        self.folder, self._network = folder, network

    def watch(
        self,
        cameras: dict[str, str],
        script: Script,
        *,
        retry_for: float = 120.0,
        read_timeout: float = 10.0,
        waiting: int = 1000,
        **other: Any,
    ) -> Outcome:
        settings = Cameras(
            output=self.folder,
            camera=[{"name": name, "address": url, "waiting": waiting} for name, url in cameras.items()],  # type: ignore[arg-type]
            **{"recording": {"every": 86_400}, "events": {"interval": 1}, **other},
        )
        patience = Patience(read_timeout=read_timeout, retry_for=retry_for, pause=0.1, longest_pause=0.5)
        with Networks(len(cameras)) as networks:
            return watch(
                settings,
                networks,
                self._network,
                tracker=TRACKER,
                stop=script.stop,
                onlooker=script,
                patience=patience,
            )

    def events(self, camera: str, kind: str) -> list[dict[str, Any]]:
        lines = (self.folder / "events.jsonl").read_text().splitlines()
        return [one for one in map(json.loads, lines) if (one["camera"], one["event"]) == (camera, kind)]

    def rows(self, camera: str) -> Any:
        """Of the one file, or of two where it was midnight in between."""
        paths = sorted((self.folder / camera).glob("*.txt"))
        assert 1 <= len(paths) <= 2
        shift, tables = 0, []
        for path in paths:
            rows = read_results(path)
            tables.append(np.column_stack([rows.frames + shift, rows.ids, rows.boxes]))
            shift += json.loads(path.with_suffix(".json").read_text())["frames"]
        return np.concatenate(tables)


def by_file(clip: Path, network: NetworkConfig) -> Any:
    """The rows that tracking the file itself gives."""
    config = TRACKER.config()
    tables = []
    for tracked in track_video(str(clip), network=network, tracker=config):
        boxes = tracked.tracks.boxes
        sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        index = np.full(len(boxes), tracked.frame.index)
        tables.append(np.column_stack([index, tracked.tracks.ids, sizes]))
    return np.concatenate(tables)
