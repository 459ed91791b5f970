"""Figures of the compose stack: `up` to a page and to a tracked frame, a killed Triton to the next one, sizes.

    python -m tests.benchmarks.compose --video vtest.avi

The images must be built. Needs root, because it kills a container's process from outside.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from tests.deploy.stack import DOCKER, Stack


def until(condition: object, seconds: float = 120) -> float:
    """Seconds until it is true."""
    begun = time.monotonic()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() - begun < seconds
        time.sleep(0.02)
    return time.monotonic() - begun


def answers(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(address, timeout=1).status == 200)
    except OSError:
        return False


def frames(address: str) -> int:
    """How many a client has tracked so far."""
    try:
        text = urllib.request.urlopen(f"http://{address}:9100/metrics", timeout=1).read().decode()
    except OSError:
        return 0
    found = re.search(r"^mot_frames_total (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def longest_gap(address: str, done: subprocess.Popen[str]) -> float:
    """Seconds without a new frame, the longest time until the client has ended."""
    last, since, longest = frames(address), time.monotonic(), 0.0
    while done.poll() is None:
        now = frames(address)
        if now > last:
            longest, last, since = max(longest, time.monotonic() - since), now, time.monotonic()
        time.sleep(0.01)
    return longest


def track(stack: Stack, video: Path, name: str) -> tuple[subprocess.Popen[str], str]:
    """A client on the stack's network, and its address once it has one."""
    process = stack.start(
        *("run", "--rm", "--name", f"{stack.project}-{name}", "--network", f"{stack.project}_inside"),
        *("-v", f"{video.resolve()}:/video.avi:ro", "-e", "MOT_URL=grpc://triton:8001", "-e", "MOT_LOG=json"),
        *(
            stack.image("client"),
            "mot",
            "--metrics-port",
            "9100",
            "track",
            "/video.avi",
            "--no-video",
            "-o",
            "/tmp/out",
        ),
    )
    until(lambda: stack.docker("ps", "-q", "--filter", f"name={stack.project}-{name}").strip())
    networks = stack.inspect(f"{stack.project}-{name}")["NetworkSettings"]["Networks"]
    return process, networks[f"{stack.project}_inside"]["IPAddress"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--images", default="mot")
    parser.add_argument("--tag", default="dev")
    chosen = parser.parse_args()
    environment = {"MOT_IMAGES": chosen.images, "MOT_TAG": chosen.tag, "MOT_PAGE_PORT": "127.0.0.1:18501"}
    stack = Stack(project=f"mot-figures-{os.getpid()}", environment=environment)
    for name in ("client", "triton-cpu"):
        print(f"{name}: {stack.inspect(stack.image(name))['Size'] / 1e6:.0f} MB")
    try:
        begun = time.monotonic()
        stack.compose("up", "-d", "--no-build")
        until(lambda: answers("http://127.0.0.1:18501/_stcore/health"))
        print(f"up to a page that answers: {time.monotonic() - begun:.1f} s")
        process, address = track(stack, chosen.video, "first")
        until(lambda: frames(address) > 0)
        print(f"up to a first tracked frame, of a client that is started then: {time.monotonic() - begun:.1f} s")
        undisturbed = longest_gap(address, process)
        print(f"longest time between two frames, undisturbed: {undisturbed:.2f} s")
        for victim in ("tritonserver", "docker-init"):
            stack.wait_healthy("triton")
            process, address = track(stack, chosen.video, victim)
            until(lambda: frames(address) > 20)  # noqa: B023
            top = stack.docker("top", stack.container("triton"), "-eo", "pid,comm").splitlines()[1:]
            os.kill(next(int(line.split()[0]) for line in top if line.split()[1] == victim), signal.SIGKILL)
            print(f"kill -9 of {victim} to the next frame: {longest_gap(address, process):.1f} s")
    finally:
        for name in ("first", "tritonserver", "docker-init"):
            subprocess.run([DOCKER, "rm", "-f", f"{stack.project}-{name}"], capture_output=True, check=False)
        stack.remove()


if __name__ == "__main__":
    main()
