"""Several cameras at once: each with a thread and a tracker of its own, all with one network."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from client.jobs.resolving import model_thresholds
from client.jobs.spec import TrackerSpec
from client.live.camera import CameraWatch, Setup
from client.live.cameras import Cameras
from client.live.event import Event as Told
from client.live.event import compact
from client.live.mqtt import MqttTarget
from client.live.outbox import Outbox, Target
from client.live.state import BAD, Snapshot
from client.live.targets import JsonLines, StandardOutput, WebhookTarget
from client.pipeline.warm_up import warm_up
from client.serving.network import NetworkConfig
from client.serving.networks import Networks
from client.video.stream import Patience

_LOOK_EVERY_S = 0.25
_GRACE_S = 10.0  # for the frames that wait, after a stop
_LAST_GRACE_S = 5.0  # for files to be completed, and for events to be delivered
_EVENTS_IN_FILE = 100_000  # that may wait for a disk
_LONGEST_PAUSE = 30.0  # seconds between attempts to reach a camera


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the cameras, and of the events."""

    cameras: tuple[Snapshot, ...]
    undelivered: int  # events that have not arrived everywhere

    @property
    def good(self) -> bool:
        """Whether nothing was lost for good."""
        return not self.undelivered and not any(one.phase in BAD or one.fault for one in self.cameras)


class Onlooker:
    """Told how it goes, from several threads; does nothing unless a subclass does."""

    def begun(self, watches: Sequence[CameraWatch], outboxes: Sequence[Outbox]) -> None:
        """Cameras are being connected to."""

    def changed(self, snapshot: Snapshot) -> None:
        """A camera is in another phase."""

    def frame(self, camera: str) -> None:
        """One more frame is tracked."""


def watch(
    cameras: Cameras,
    networks: Networks,
    network: NetworkConfig,
    *,
    tracker: TrackerSpec | None = None,
    retry_for: float = 600.0,
    stop: Event | None = None,
    onlooker: Onlooker | None = None,
    patience: Patience | None = None,
) -> Outcome:
    """Watch until every camera is over, or ``stop`` is set: then frames that wait are tracked, files completed, and
    events delivered, for some seconds.

    Args:
        tracker: of the cameras that have none of their own.
        retry_for: seconds for which a camera that is lost is tried again; one that stays away does not end the others.
        patience: the same and more of it.

    Raises:
        MotError: the network has failed for good, or an output cannot be used; what was finished is kept.
    """
    onlooker, stop = onlooker or Onlooker(), stop or Event()
    thresholds = model_thresholds(network, lambda: networks.get(network))
    trackers = {one.name: (one.tracker or tracker or TrackerSpec()).resolved(thresholds) for one in cameras.camera}
    outboxes = _outboxes(cameras)

    def tell(event: Told) -> None:
        for outbox in outboxes:
            outbox.put(event)

    try:
        setup = Setup(
            cameras=cameras,
            network=networks.get(network),
            trackers=trackers,
            patience=patience or Patience(retry_for=retry_for, longest_pause=_LONGEST_PAUSE),
            run=f"{compact(time.time())}-{os.getpid()}",
            tell=tell,
            changed=onlooker.changed,
            frame=onlooker.frame,
        )
        for spec in {one.name: one for one in trackers.values()}.values():
            warm_up(setup.network.detector, spec.config().tracker(), stop)  # so that no camera waits for it
        watches = [CameraWatch(camera, setup) for camera in cameras.camera]
        onlooker.begun(watches, outboxes)
        _run(watches, stop)
    finally:
        undelivered = _close(outboxes)
    failure = next((each.failure for each in watches if each.failure is not None), None)
    if failure is not None:
        raise failure
    return Outcome(cameras=tuple(each.state.snapshot for each in watches), undelivered=undelivered)


def _run(watches: Sequence[CameraWatch], stop: Event) -> None:
    for each in watches:
        each.start()
    try:
        while not stop.is_set() and not any(each.failure is not None for each in watches):
            running = [each for each in watches if not each.join(0)]
            if not running:
                return
            stop.wait(_LOOK_EVERY_S)
            for each in running:
                each.look()
        _end(watches, _GRACE_S, CameraWatch.stop)
    finally:
        _end(watches, _LAST_GRACE_S, CameraWatch.give_up)


def _end(watches: Sequence[CameraWatch], grace: float, how: Callable[[CameraWatch], None]) -> None:
    deadline = time.monotonic() + grace
    for each in watches:
        how(each)
    for each in watches:
        each.join(max(0.0, deadline - time.monotonic()))


def _outboxes(cameras: Cameras) -> list[Outbox]:
    """One for each place that events go to.

    Raises:
        CamerasError: a package for it is missing.
    """
    events, path = cameras.events, cameras.events_path
    found: list[tuple[Target, int]] = [(JsonLines(path) if path else StandardOutput(), _EVENTS_IN_FILE)]
    if events.webhook:
        found.append((WebhookTarget(events.webhook), events.webhook.waiting))
    if events.mqtt:
        found.append((MqttTarget(events.mqtt), events.mqtt.waiting))
    return [Outbox(target, waiting) for target, waiting in found]


def _close(outboxes: Sequence[Outbox]) -> int:
    """Deliver what waits, all within the same seconds; returns how many events have not arrived somewhere."""
    deadline = time.monotonic() + _LAST_GRACE_S
    return sum(outbox.close(max(0.1, deadline - time.monotonic())) for outbox in outboxes)
