"""One camera: from its frames to tracks, events and files, in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import mot
from client.jobs.finished import FATAL
from client.jobs.spec import TrackerSpec
from client.live.cameras import Camera, Cameras
from client.live.event import Event as Told
from client.live.event import Teller
from client.live.newest import ArrivedFrame, NewestFrames
from client.live.pieces import Pieces
from client.live.state import CameraState, Phase, Snapshot
from client.live.telling import Telling, tell_phase
from client.live.walkers import Moment
from client.log_lines import about, stamp
from client.metrics import EVENTS, FRAMES, IDS, PEOPLE
from client.outputs.background import in_background
from client.pipeline.stages import Stages
from client.pipeline.track import track
from client.pipeline.tracked import TrackedFrame
from client.serving.network import Network
from client.video.source import VideoError
from client.video.stream import Patience
from mot.errors import MotError

_SILENT_S = 5.0  # without a frame after which the clock alone ends intervals

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What all cameras have in common."""

    cameras: Cameras
    network: Network
    trackers: Mapping[str, TrackerSpec]  # by camera, with all their settings
    patience: Patience
    run: str  # names this process in the keys of events
    tell: Callable[[Told], None]
    changed: Callable[[Snapshot], None]  # told of each new phase, in a camera's thread
    frame: Callable[[str], None]  # told of each frame's camera


class CameraWatch:
    """Tracks one camera until it ends, is lost, or is stopped."""

    def __init__(self, camera: Camera, setup: Setup) -> None:
        self._camera, self._setup, self._tracker = camera, setup, setup.trackers[camera.name]
        self._teller = Teller(camera=camera.name, run=setup.run, tell=self._tell)
        self.state = CameraState(camera.name, camera.shown, self._phase)
        self._frames = NewestFrames(camera.address, self.state, setup.patience, waiting=camera.waiting)
        self._telling: Telling | None = None
        self._give_up = Event()
        self._thread = Thread(target=self._run, name=f"watch-{camera.name}", daemon=True)
        self.failure: BaseException | None = None  # what no other camera would survive, or nobody has foreseen

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more frames; those that wait are tracked."""
        self._frames.stop()

    def give_up(self) -> None:
        """Track no more; files are completed."""
        self._frames.stop()
        self._give_up.set()

    def join(self, timeout: float) -> bool:
        """Whether it is over."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def look(self) -> None:
        """Called now and then: intervals end although no frame comes."""
        now, snapshot, telling = time.time(), self.state.snapshot, self._telling
        if telling and snapshot.last is not None and now - snapshot.last > _SILENT_S and self._frames.paced:
            telling.no_frame(now, snapshot.dropped)

    def _run(self) -> None:
        with about(job=self._camera.name):
            try:
                if self._frames.start():
                    self._watch()
                self._end(self._frames.failure)
            except BaseException as error:  # noqa: BLE001  # for the thread that waits for this one
                self._end(error)
            finally:
                self._frames.close()

    def _end(self, error: BaseException | None) -> None:
        phase: Phase = "stopped" if self._frames.stopped else "ended"
        if isinstance(error, VideoError):
            phase = "lost"
        elif error is not None:
            phase = "failed"
        self.state.become(phase, str(error) or type(error).__name__ if error is not None else "")
        if isinstance(error, MotError):
            log.error("%s: %s", self._camera.name, error)
        if error is not None and (not isinstance(error, MotError) or isinstance(error, FATAL)):
            self.failure = error

    def _watch(self) -> None:
        setup, frames, camera = self._setup, self._frames, self._camera
        size = self.state.snapshot.size
        assert size is not None, "the first frame is here"
        places = camera.drawn()
        places = places and places.scaled(*size)
        self._telling = Telling(self._teller, setup.cameras.events, places)
        tracker = self._tracker.config().tracker(frames.frame_rate)
        network, stages = setup.network, Stages()
        results = track(
            frames, network.detector, tracker, in_flight=network.in_flight, stages=stages, stop=self._give_up
        )
        wall = 0.0
        try:
            with in_background(self._sinks(), stages) as write, closing(results):
                for tracked in results:
                    write(tracked)
                    wall = self._take(tracked)
        finally:
            self._telling.close(wall, self.state.snapshot.dropped)

    def _take(self, tracked: TrackedFrame) -> float:
        """Tell of a frame; returns when it came."""
        frame, people = tracked.frame, len(tracked.tracks)
        assert isinstance(frame, ArrivedFrame) and self._telling is not None
        moment = Moment(index=frame.index, seconds=frame.time, wall=frame.wall)
        new = self._telling.frame(moment, tracked.tracks, self.state.snapshot.dropped)
        self.state.tracked(people, new, frame.wall)
        FRAMES.inc()
        PEOPLE.inc(people)
        IDS.inc(new)
        self._setup.frame(self._camera.name)
        return frame.wall

    def _sinks(self) -> list[Pieces]:
        recording, setup = self._setup.cameras.recording, self._setup
        if not (recording.rows or recording.video):
            return []
        settings = {
            "version": mot.__version__,
            "input": {"address": self._camera.shown},
            "begun": stamp(time.time()),
            "frame_rate": self._frames.frame_rate,
            "tracker": self._tracker.name,
            "parameters": dict(self._tracker.settings),
        }
        folder: Path = setup.cameras.output / self._camera.name
        return [Pieces(folder, recording, settings, frame_rate=self._frames.frame_rate, at_fault=self.state.at_fault)]

    def _tell(self, event: Told) -> None:
        EVENTS.labels(event.camera, event.kind).inc()
        self._setup.tell(event)

    def _phase(self, snapshot: Snapshot) -> None:
        tell_phase(self._teller, snapshot)
        self._setup.changed(snapshot)
