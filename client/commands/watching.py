"""Cameras in the terminal: what becomes of each, and a table at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from client.commands.running import stopped_by_signals, tell_outage
from client.jobs.spec import TrackerSpec
from client.live.camera import CameraWatch
from client.live.cameras import Cameras
from client.live.outbox import Outbox
from client.live.state import Snapshot
from client.live.status import Status, status_of, status_served
from client.live.watch import Onlooker, watch
from client.log_lines import event
from client.serving.network import NetworkConfig
from client.serving.networks import Networks
from client.terminal import Bars, errors, for_machines, progress_bars, show


def watch_and_report(
    cameras: Cameras,
    network: NetworkConfig,
    *,
    tracker: TrackerSpec,
    retry_for: float,
    status_port: int | None,
    status_host: str,
) -> bool:
    """Watch until all cameras are over or a signal comes; returns whether nothing was lost for good.

    Raises:
        MotError: as :func:`client.live.watch.watch`, and where the status page cannot be served.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(stopped_by_signals())
        bars = stack.enter_context(progress_bars())
        onlooker = _Terminal(bars)
        if status_port is not None:
            port = stack.enter_context(status_served(status_port, status_host, onlooker.status))
            show("note", f"status page: http://{status_host}:{port}/", port=port)
        networks = stack.enter_context(Networks(len(cameras.camera), partial(tell_outage, bars)))
        outcome = watch(cameras, networks, network, tracker=tracker, retry_for=retry_for, stop=stop, onlooker=onlooker)
    if not for_machines():
        Console(stderr=cameras.events_path is None).print(_table(outcome.cameras))
    if outcome.undelivered:
        show("error", f"{outcome.undelivered} events were not delivered; see the warnings above")
    return outcome.good


class _Terminal(Onlooker):
    """A bar a camera where there is a terminal; a line for each change of its state."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._begun = time.time()
        self._advance: dict[str, Callable[[], None]] = {}
        self._watches: Sequence[CameraWatch] = ()
        self._outboxes: Sequence[Outbox] = ()

    def begun(self, watches: Sequence[CameraWatch], outboxes: Sequence[Outbox]) -> None:
        self._watches, self._outboxes = watches, outboxes
        if errors.is_terminal and not for_machines():  # else the status page tells, and not a line every 5 s
            for each in watches:
                self._advance[each.state.name] = self._bars.begin(each.state.name, None)

    def changed(self, snapshot: Snapshot) -> None:
        if for_machines():
            event(f"camera {snapshot.phase}", job=snapshot.name, state=snapshot.phase, cause=snapshot.cause)
        elif snapshot.phase in ("live", "ended", "stopped"):  # the others are logged with their causes
            size = "x".join(map(str, snapshot.size)) if snapshot.size else "no picture"
            show("note", f"{snapshot.name}: {snapshot.phase} ({size}, {snapshot.frame_rate or 0:.4g} frames/s)")

    def frame(self, camera: str) -> None:
        if camera in self._advance:
            self._advance[camera]()

    def status(self) -> Status:
        return status_of([each.state.snapshot for each in self._watches], self._outboxes, self._begun)


def _table(cameras: Sequence[Snapshot]) -> Table:
    """One row a camera; fits 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("camera", overflow="fold")
    table.add_column("state")
    for name in ("frames", "left out", "losses", "ids"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in cameras:
        state = f"{one.phase}, files failed" if one.fault else one.phase
        numbers = map(str, (one.frames, one.dropped, one.losses, one.ids))
        table.add_row(escape(one.name), state, *numbers)
    return table
