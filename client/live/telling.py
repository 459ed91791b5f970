"""What happens before one camera, as events."""

from __future__ import annotations

from threading import Lock
from typing import Any

from client.analysis.places import Places
from client.live.cameras import EventOutputs
from client.live.event import Teller
from client.live.intervals import Intervals
from client.live.state import Snapshot
from client.live.walkers import Happening, Moment, Walkers
from mot.detections import Tracks


class Telling:
    """Turns tracked frames into events; from any thread."""

    def __init__(self, teller: Teller, outputs: EventOutputs, places: Places | None) -> None:
        """``places``: in pixels of the camera's frames."""
        self._tell = teller
        self._labels = (
            {}
            if places is None
            else {
                (line.name, direction): label
                for line in places.lines
                for direction, label in (("in", line.label_in), ("out", line.label_out))
            }
        )
        self._walkers = Walkers(places, left_after=outputs.left_after, hysteresis=outputs.hysteresis)
        self._intervals = Intervals(outputs.interval, places, self._tell_counts)
        self._lock = Lock()
        self._dropped = self._dropped_told = 0

    def frame(self, moment: Moment, tracks: Tracks, dropped: int) -> int:
        """Take a frame; returns how many of its people are seen for the first time. ``dropped``: frames so far."""
        with self._lock:
            self._dropped = dropped
            happened = self._walkers.update(moment, tracks)
            self._tell_all(happened)
            self._intervals.frame(moment.wall, len(tracks), self._walkers.inside(), happened)
            return sum(one.kind == "appeared" and not one.again for one in happened)

    def no_frame(self, wall: float, dropped: int) -> None:
        """So late it is, although no frame has come."""
        with self._lock:
            self._dropped = dropped
            self._intervals.reach(wall)

    def close(self, wall: float, dropped: int) -> None:
        """No frame will come any more: whoever is still here leaves."""
        with self._lock:
            self._dropped = dropped
            happened = self._walkers.close()
            self._tell_all(happened)
            self._intervals.happen(happened)
            self._intervals.close(wall)

    def _tell_all(self, happened: list[Happening]) -> None:
        for one in happened:
            self._tell(one.kind, one.moment.wall, **self._details(one))

    def _tell_counts(self, end: float, counts: dict[str, Any]) -> None:
        lost, self._dropped_told = self._dropped - self._dropped_told, self._dropped
        self._tell("counts", end, **counts, dropped=lost)

    def _details(self, one: Happening) -> dict[str, Any]:
        details: dict[str, Any] = {"person": one.person, "frame": one.moment.index}
        if one.kind == "appeared" and one.again:
            details["again"] = True
        elif one.kind == "crossed":
            assert one.at is not None
            label = self._labels[one.place, one.direction]
            details |= {"line": one.place, "direction": one.direction, "label": label}
            details["point"] = [round(value, 1) for value in one.at]
        elif one.kind in ("entered", "exited"):
            details |= {"zone": one.place, "by_border": one.by_border}
        return details


def tell_phase(teller: Teller, snapshot: Snapshot) -> None:
    """What has become of the camera itself."""
    cause = {"cause": snapshot.cause} if snapshot.cause else {}
    teller("camera", snapshot.since, state=snapshot.phase, **cause)
