"""tests.benchmarks.soak_samples: what the soak calls flat, and what it calls growth."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.soak_samples import Sample, as_json, course, draw, family, judge, named, sample

SECONDS = np.arange(0, 1920, 5.0).tolist()


def growing(an_hour: float, start: float = 100.0) -> list[float]:
    """From the beginning, with noise and the peaks of connections that are made anew."""
    rng = np.random.default_rng(3)
    values = start + np.array(SECONDS) / 3600 * an_hour + rng.normal(0, 2, len(SECONDS))
    values[::15] += 30
    return values.tolist()


@pytest.mark.parametrize(("an_hour", "flat"), [(0, True), (60, False), (-60, True)])
def test_slope_by_the_hour(an_hour: float, flat: bool) -> None:
    found = course(SECONDS, growing(an_hour), bound=20)
    assert found.flat is flat and abs(found.slope - an_hour) < 8


def test_what_grows_only_at_first_is_flat() -> None:
    values = np.minimum(np.array(SECONDS), 600) + 100
    found = course(SECONDS, values.tolist(), bound=20)
    assert (found.start, found.after, found.end, found.slope) == (100, 400, 700, 0)


def test_a_handle_a_minute_is_growth_and_one_in_all_is_none() -> None:
    leaking = [Sample(rss=1, handles=10 + int(second // 60), threads=5) for second in SECONDS]
    once = [Sample(rss=1, handles=10 + (second > 1500), threads=5) for second in SECONDS]
    judged = as_json(judge(SECONDS, {"leaks": leaking, "once": once}))
    assert judged["leaks"]["handles"]["slope"] == pytest.approx(60, abs=5) and not judged["leaks"]["handles"]["flat"]
    assert judged["once"]["handles"]["flat"] and judged["leaks"]["threads"]["flat"]


def test_processes_are_found_and_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('ready', flush=True); input()"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        own = family(os.getpid())
        assert own[0] == os.getpid() and process.pid in own
        assert process.pid in named(own).values()
        one = sample(process.pid)
        assert one and one.rss > 1 and one.handles >= 3 and one.threads == 1
    finally:
        process.communicate(b"\n")
    assert sample(process.pid) is None and family(process.pid) == []
    draw(SECONDS, {"a": [one] * len(SECONDS)}, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
