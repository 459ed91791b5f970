"""Figures of the compose stack on a quiet machine.

    python -m tests.benchmarks.compose --video vtest.avi [--build] [--rounds 3]

The images must be built, or ``--build`` builds them: without any layer kept, but the base image. Needs root, because it
kills a container's process from outside and makes the machine forget what it has read from disk.

What is printed: seconds from ``docker-compose up -d``, with files not in memory and a job in the queue, to the page's
health and to the worker's first frame; from ``kill -9`` of Triton's process, and of its container's first process, to
the next frame of a client; frames a second of the same video as a job of the page and by ``mot track`` without
containers, in turn, both with the result's video.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.deploy.job import ADD, LOOK
from tests.deploy.stack import DOCKER, ROOT, Stack, frames_at

PAGE = "127.0.0.1:18501"
FIRST = 60  # frames of the job that waits in the queue
BUILD_S = 3600.0
ASK_EVERY_S = 20.0


def until(condition: Callable[[], object], seconds: float = 300) -> float:
    """Seconds until it is true."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds
        time.sleep(0.02)
    return time.monotonic() - begun


def answers(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(address, timeout=1).status == 200)
    except OSError:
        return False


def forget_files() -> None:
    """As after a start of the machine."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def provide(stack: Stack, video: Path) -> None:
    """The video and a job on the project's volume, and no container."""
    stack.compose("up", "--no-start", "page", "worker", "triton")
    stack.docker("cp", str(video.resolve()), f"{stack.container('page')}:/data/video.avi")
    add = ("run", "--rm", "-v", f"{stack.project}_jobs:/data", stack.image("client"), "python", "-c", ADD)
    stack.docker(*add, "/data/video.avi", str(FIRST))
    stack.compose("rm", "--force", "--stop")


def up(stack: Stack) -> None:
    """Print the seconds from nothing that runs to a page and to a frame."""
    forget_files()
    begun = time.monotonic()
    stack.compose("up", "-d", "--no-build")
    until(lambda: answers(f"http://{PAGE}/_stcore/health"))
    print(f"up to a page that answers: {time.monotonic() - begun:.1f} s", flush=True)
    worker = stack.address(stack.container("worker"))
    until(lambda: frames_at(worker) > 0)
    print(f"up to the first tracked frame of a job in the queue: {time.monotonic() - begun:.1f} s", flush=True)
    until(lambda: frames_at(worker) >= FIRST)


def longest_gap(address: str, done: subprocess.Popen[str]) -> float:
    """Seconds without a new frame, the longest time until the client has ended."""
    last, since, longest = frames_at(address), time.monotonic(), 0.0
    while done.poll() is None:
        now = frames_at(address)
        if now > last:
            longest, last, since = max(longest, time.monotonic() - since), now, time.monotonic()
        time.sleep(0.01)
    assert done.returncode == 0, done.communicate()[0]
    return longest


def track(stack: Stack, video: Path, name: str) -> tuple[subprocess.Popen[str], str]:
    """A client on the stack's network, and its address once it has one."""
    options = ("-v", f"{video.resolve()}:/video.avi:ro", "-e", "MOT_URL=grpc://triton:8001", "-e", "MOT_LOG=json")
    process = stack.start(
        *("run", "--rm", "--name", f"{stack.project}-{name}", "--network", f"{stack.project}_inside", *options),
        *(stack.image("client"), "mot", "--metrics-port", "9100", "track", "/video.avi", "--no-video"),
        *("-o", "/tmp/out"),
    )
    until(lambda: stack.docker("ps", "-q", "--filter", f"name={stack.project}-{name}").strip())
    return process, stack.address(f"{stack.project}-{name}")


def kill(stack: Stack, video: Path) -> None:
    """Print the seconds from a killed Triton to the next frame."""
    process, address = track(stack, video, "first")
    until(lambda: frames_at(address) > 0)
    print(f"longest time between two frames, undisturbed: {longest_gap(address, process):.2f} s", flush=True)
    for victim in ("tritonserver", "docker-init"):
        stack.wait_healthy("triton")
        process, address = track(stack, video, victim)
        until(lambda: frames_at(address) > 20)  # noqa: B023
        top = stack.docker("top", stack.container("triton"), "-eo", "pid,comm").splitlines()[1:]
        os.kill(next(int(line.split()[0]) for line in top if line.split()[1] == victim), signal.SIGKILL)
        print(f"kill -9 of {victim} to the next frame: {longest_gap(address, process):.1f} s", flush=True)


def rate_of(record: str) -> float:
    """Frames a second of a finished job."""
    summary = json.loads(record)["summary"]
    return float(summary["frames"] / summary["seconds"])


def rate_outside(video: Path) -> float:
    """Of ``mot track`` in this environment, with an embedded Triton."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "client.cli", "track", str(video), "--output", folder]
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
        return rate_of((Path(folder) / f"{video.stem}.json").read_text())


def rate_inside(stack: Stack, count: int) -> float:
    """Of a job of the page, done by the worker's container."""
    in_page = ("exec", "-T", "page", "python", "-c")
    job = stack.compose(*in_page, ADD, "/data/video.avi", str(count), "video").strip()
    # Seldom: asking takes a second of a core, and the job's record has its time.
    until(lambda: (time.sleep(ASK_EVERY_S), stack.compose(*in_page, LOOK, job).startswith("done"))[1])
    return rate_of(stack.compose("exec", "-T", "page", "cat", f"/data/jobs/{job}/1/result.json"))


def rates(stack: Stack, video: Path, rounds: int) -> None:
    """Print frames a second inside and outside, in turn; what is not measured stands still."""
    stack.wait_healthy("triton")
    count = 10**6  # all that there are
    found = []
    for _ in range(rounds):
        inside = rate_inside(stack, count)
        stack.compose("pause")
        outside = rate_outside(video)
        stack.compose("unpause")
        found.append(inside / outside)
        print(f"frames/s: {inside:.1f} as a job in compose, {outside:.1f} by mot track: {found[-1]:.2f}", flush=True)
    print(f"compose / mot track, median of {rounds}: {statistics.median(found):.2f}", flush=True)


def sizes(stack: Stack) -> None:
    base = os.environ.get("MOT_BASE_IMAGE", "debian:bookworm-slim")
    for name in (base, stack.image("client"), stack.image("triton-cpu")):
        print(f"{name}: {stack.inspect(name)['Size'] / 1e6:.0f} MB", flush=True)


def build(stack: Stack) -> None:
    begun = time.monotonic()
    stack.compose("build", "--no-cache", "triton", "page", timeout=BUILD_S)
    print(f"docker-compose build --no-cache triton page, base excluded: {time.monotonic() - begun:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--images", default="mot")
    parser.add_argument("--tag", default="dev")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    environment = {"MOT_IMAGES": chosen.images, "MOT_TAG": chosen.tag, "MOT_PAGE_PORT": PAGE}
    stack = Stack(project=f"mot-figures-{os.getpid()}", environment=environment)
    if chosen.build:
        build(stack)
    sizes(stack)
    try:
        provide(stack, chosen.video)
        up(stack)
        kill(stack, chosen.video)
        rates(stack, chosen.video, chosen.rounds)
    finally:
        for name in ("first", "tritonserver", "docker-init"):
            subprocess.run([DOCKER, "rm", "-f", f"{stack.project}-{name}"], capture_output=True, check=False)
        stack.compose("unpause", check=False)
        stack.remove()


if __name__ == "__main__":
    main()
