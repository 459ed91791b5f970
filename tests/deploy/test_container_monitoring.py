"""Prometheus with our configuration, started by compose: it finds and reads what runs."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from urllib.parse import quote

import pytest

from tests.deploy.stack import DOCKER, Stack, events
from tests.deploy.test_monitoring import PANELS
from tests.page_server import free_port

pytestmark = [pytest.mark.container, pytest.mark.data]
_DEBIAN = """
FROM {base}
RUN apt-get update && apt-get install -y --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/*
"""


@pytest.fixture(scope="module")
def prometheus(page: Stack) -> Stack:
    """Where no registry is, Debian's Prometheus is the base."""
    if base := os.environ.get("MOT_BASE_IMAGE"):
        image = f"{page.environment['MOT_IMAGES']}/prometheus-base:ci"
        page.feed(_DEBIAN.format(base=base), DOCKER, "build", "--tag", image, "-")
        page.environment["MOT_PROMETHEUS_IMAGE"] = image
    page.environment["MOT_PROMETHEUS_PORT"] = str(free_port())
    page.compose("--profile", "monitoring", "build", "prometheus", timeout=1200)
    page.compose("--profile", "monitoring", "up", "-d", "--no-build", "prometheus")
    page.wait_healthy("prometheus")
    return page


def asked(prometheus: Stack, query: str) -> list[dict[str, str]]:
    port = prometheus.environment["MOT_PROMETHEUS_PORT"]
    address = f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}"
    answer = json.load(urllib.request.urlopen(address, timeout=30))
    return [each["metric"] | {"value": each["value"][1]} for each in answer["data"]["result"]]


def test_it_reads_triton_page_and_worker(prometheus: Stack) -> None:
    deadline = time.monotonic() + 300
    up: dict[str, str] = {}
    while time.monotonic() < deadline and sorted(up) != ["page", "triton", "worker"]:
        time.sleep(1)
        up = {each["job"]: each["value"] for each in asked(prometheus, "up==1")}
    assert sorted(up) == ["page", "triton", "worker"], prometheus.compose("logs", "prometheus")
    assert asked(prometheus, "mot_build_info") and asked(prometheus, "nv_inference_count")


def test_its_logs_are_one_event_a_line(prometheus: Stack) -> None:
    assert events(prometheus.logs("prometheus"))


@pytest.mark.parametrize("query", PANELS)
def test_a_panel_has_something_to_show(prometheus: Stack, query: str) -> None:
    deadline = time.monotonic() + 300
    if "camera" in query or "event" in query:
        assert asked(prometheus, query) == []  # Prometheus takes it; nothing in the compose file watches cameras
        return
    while not asked(prometheus, query):  # a rate wants two readings, five seconds apart
        assert time.monotonic() < deadline, prometheus.compose("logs", "prometheus")
        time.sleep(1)
