"""``mot batch`` with an embedded server: one for all processes, whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from client.jobs.record import Record
from tests.batch_killer import begun
from tests.command import children, start, walk

pytestmark = pytest.mark.triton
COUNT = 600


def descendants(pid: int) -> list[int]:
    own = children(pid)
    return own + [inner for child in own for inner in descendants(child)]


def servers(pid: int) -> list[int]:
    """Triton's own processes below a process."""
    found = []
    for each in descendants(pid):
        try:
            if Path(f"/proc/{each}/comm").read_text().strip() == "tritonserver":
                found.append(each)
        except OSError:
            continue
    return found


def test_one_server_for_all_which_is_killed(tiny_repository: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        walk(tmp_path / f"in/{name}.mp4", COUNT)
    options = ("--model-repository", tiny_repository, "--conf-thres", 0.2)
    out, serial = tmp_path / "out", tmp_path / "serial"
    process = start("batch", tmp_path / "in", "-o", out, "--jobs", 2, *options)
    deadline = time.monotonic() + 180
    while len(begun(out)) < 2:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.005)
    (server,) = servers(process.pid)
    os.kill(server, signal.SIGKILL)
    try:
        printed, err = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, err
    assert "3 videos: 3 tracked, in " in printed and "the embedded Triton server is back after" in err
    process = start("track", *sorted((tmp_path / "in").iterdir()), "-o", serial, "--no-video", *options)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    for name in ("a", "b", "c"):
        assert (out / f"{name}.txt").read_bytes() == (serial / f"{name}.txt").read_bytes()
        mine, theirs = Record.read(out, name), Record.read(serial, name)
        assert mine and theirs and mine.settings == theirs.settings  # either command keeps what the other has done
