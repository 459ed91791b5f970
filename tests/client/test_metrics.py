"""Counting for Prometheus."""

from __future__ import annotations

import socket
import urllib.request

import pytest

from client.metrics import FRAMES, QUEUE, REGISTRY, MetricsError, metrics_served, watch_queue
from client.pipeline.stages import Stages


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_stages_time_is_in_its_bucket() -> None:
    before = value("mot_stage_seconds_bucket", stage="test", le="0.1"), value("mot_stage_seconds_count", stage="test")
    Stages().add("test", 0.07)
    after = value("mot_stage_seconds_bucket", stage="test", le="0.1"), value("mot_stage_seconds_count", stage="test")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    assert value("mot_stage_seconds_bucket", stage="test", le="0.05") == 0


def test_the_queue_is_counted_when_it_is_read() -> None:
    waiting = [3]
    watch_queue("test", lambda: waiting[0])
    assert value("mot_queue_jobs", state="test") == 3
    waiting[0] = 5
    assert value("mot_queue_jobs", state="test") == 5
    QUEUE.remove("test")


def test_a_port_answers_and_is_given_back() -> None:
    with metrics_served(0, "127.0.0.1") as port:
        before = value("mot_frames_total")
        FRAMES.inc()
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        assert f"mot_frames_total {before + 1}" in text and "mot_build_info{version=" in text
    with metrics_served(port, "127.0.0.1") as again:
        assert again == port


def test_a_taken_port_is_an_error_with_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MetricsError, match=f"port {port}: .*choose another"), metrics_served(port, "127.0.0.1"):
            pass
