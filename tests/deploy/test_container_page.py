"""Page and worker as containers: a job done, a worker killed, what they tell."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from collections.abc import Callable

import pytest

from tests.deploy.job import ADD, LOOK
from tests.deploy.stack import LONG, Stack, events, frames_at

pytestmark = [pytest.mark.container, pytest.mark.data]


def in_page(stack: Stack, script: str, *arguments: str) -> list[str]:
    return stack.compose("exec", "-T", "page", "python", "-c", script, *arguments).split(maxsplit=3)


def wait_for_job(stack: Stack, job: str, done: Callable[[str, int], bool], seconds: float = 900) -> list[str]:
    """What is known of the job, once ``done(state, frames)``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = in_page(stack, LOOK, job)
        if done(found[0], int(found[1])):
            return found
        assert found[0] in ("queued", "running"), found
    raise AssertionError(f"{found} after {seconds} s: {stack.compose('logs', 'worker')[-3000:]}")


def test_the_page_answers_on_its_port(page: Stack) -> None:
    address = page.compose("port", "page", "8501").strip()
    text = urllib.request.urlopen(f"http://{address}/", timeout=10).read().decode()
    assert "streamlit" in text.lower()


def test_a_worker_killed_costs_no_row(page: Stack, expected: bytes) -> None:
    if os.geteuid() != 0:
        pytest.skip("killing a container's process on the host needs root")
    worker = page.container("worker")
    pid, address = page.inspect(worker)["State"]["Pid"], page.address(worker)
    before, deadline = frames_at(address, timeout=60), time.monotonic() + 300
    adding = page.start("exec", page.container("page"), "python", "-c", ADD, "/data/vtest.avi", str(LONG))
    while frames_at(address) < before + 10:  # asked often, so that a fast machine is caught in the middle, too
        assert time.monotonic() < deadline, page.compose("logs", "worker")[-3000:]
    os.kill(pid, signal.SIGKILL)
    (job,) = adding.communicate(timeout=60)[0].split()
    state, frames, attempt, *_ = wait_for_job(page, job, lambda state, frames: state == "done")
    assert (state, int(frames), int(attempt)) == ("done", LONG, 2)
    rows = page.compose("exec", "-T", "page", "cat", f"/data/jobs/{job}/2/result.txt")
    assert rows.encode("ascii") == expected


def test_queue_and_jobs_are_in_the_metrics(page: Stack) -> None:
    read = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
    assert 'mot_queue_jobs{state="queued"} 0.0' in page.compose("exec", "-T", "page", "python", "-c", read)
    assert 'mot_jobs_total{outcome="done"} 1.0' in page.compose("exec", "-T", "worker", "python", "-c", read)


@pytest.mark.parametrize("service", ["page", "worker"])
def test_the_pages_logs_are_one_event_a_line(page: Stack, service: str) -> None:
    assert events(page.logs(service))
