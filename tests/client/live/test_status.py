"""The status page."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request

import pytest

from client.live.state import CameraState
from client.live.status import Status, page, status_of, status_served
from client.metrics import REGISTRY, MetricsError


def state() -> CameraState:
    one = CameraState("door<b>", "rtsp://10.0.0.5/live")
    one.measured(640, 480, 25.0)
    one.become("live")
    one.tracked(3, 2, 1_800_000_000.0)
    one.dropped()
    one.become("reconnecting", "it broke <off>")
    return one


def status() -> Status:
    return status_of([state().snapshot], [], 1_800_000_000.0)


def get(url: str) -> tuple[str, str]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_programs_and_people_are_answered() -> None:
    with status_served(0, "127.0.0.1", status) as port:
        kind, text = get(f"http://127.0.0.1:{port}/status.json")
        (camera,) = json.loads(text)["cameras"]
        assert kind == "application/json"
        assert (camera["state"], camera["cause"], camera["losses"]) == ("reconnecting", "it broke <off>", 1)
        assert (camera["frames"], camera["dropped"], camera["ids"], camera["size"]) == (1, 1, 2, [640, 480])
        kind, text = get(f"http://127.0.0.1:{port}/?")
        assert kind.startswith("text/html") and "<td class=reconnecting>reconnecting</td>" in text
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"http://127.0.0.1:{port}/etc/passwd")


def test_names_and_causes_are_no_markup() -> None:
    text = page(status())
    assert "door&lt;b&gt;" in text and "it broke &lt;off&gt;" in text and "<b>" not in text


def test_a_taken_port_is_an_error_with_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(MetricsError, match=f"127.0.0.1:{port}: .*choose another --status-port"),
            status_served(port, "127.0.0.1", status),
        ):
            pass


def test_prometheus_has_it_too() -> None:
    state()
    labels = {"camera": "door<b>"}
    assert REGISTRY.get_sample_value("mot_camera_up", labels) == 0
    assert (REGISTRY.get_sample_value("mot_camera_frames_dropped_total", labels) or 0) >= 1
    assert (REGISTRY.get_sample_value("mot_camera_losses_total", labels) or 0) >= 1


def test_what_is_over_stays_over_unless_it_has_failed() -> None:
    one = state()
    one.become("lost", "gone")
    one.become("live")
    assert (one.snapshot.phase, one.snapshot.cause) == ("lost", "gone")
    one.become("failed", "worse")
    assert one.snapshot.phase == "failed"
