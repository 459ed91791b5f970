"""Does `mot watch` stay flat while its cameras come and go? Memory, file handles and threads, every few seconds.

    nice -n 5 python -m tests.benchmarks.soak --minutes 32 --output soak

Five cameras (GStreamer's RTSP server, on loopback) over one embedded Triton (`mot serve`): one is steady, one stalls,
one is started again and again, one comes back with another size, one vanishes for a while. Beside them `mot track` and
`mot batch` come and go. Writes soak.json and soak.png; status 1 where something grows, or has failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import cv2

from client.video.open import open_source
from client.video.sample import fetch_sample
from tests.benchmarks.soak_samples import Sample, as_json, draw, family, judge, named, sample, total
from tests.client.video.rtsp import Server
from tests.command import ROOT
from tests.media import Image, make_video

Fate = Callable[[Server, Event], None]
EVERY_S = 5.0  # a sample
SIZE, OTHER_SIZE = (384, 288), (512, 384)
JOB_PAUSE_S = 20.0
LEFT_S = 180.0  # of pictures after the soak's end, for the connections made last


def stall(server: Server, over: Event) -> None:
    """Shorter than the read timeout, then longer."""
    for seconds in (5, 20):
        server.signal(signal.SIGSTOP)
        over.wait(seconds)
        server.signal(signal.SIGCONT)
        over.wait(20)


def restart(server: Server, over: Event) -> None:
    server.kill()
    server.start()


def vanish(server: Server, over: Event) -> None:
    server.kill()
    over.wait(40)
    server.start()


def resize(folder: Path) -> Fate:
    paths = itertools.cycle([folder / "other.mp4", folder / "live.mp4"])

    def change(server: Server, over: Event) -> None:
        server.path = next(paths)
        restart(server, over)

    return change


def pictures(size: tuple[int, int], step: int) -> list[Image]:
    with closing(open_source(str(fetch_sample()))) as source:
        return [cv2.resize(frame.image, size) for frame in source if frame.index % step == 1]  # type: ignore[misc]


def make_videos(folder: Path, rate: int, seconds: float) -> None:
    """What the cameras see, over and over, and a short video for the jobs."""
    step = max(1, round(10 / rate))  # the sample has 10 frames/s
    for name, size, length in (("other.mp4", OTHER_SIZE, LEFT_S), ("live.mp4", SIZE, seconds)):
        images = pictures(size, step)
        make_video(folder / name, images * (int(length * rate) // len(images) + 1), rate=rate)
    for number in range(3):
        make_video(folder / f"short-{number}.mp4", images[number * 10 : number * 10 + 12], rate=rate)


class Soak:
    """The server, the cameras, the watch and the jobs."""

    def __init__(self, folder: Path, over: Event) -> None:
        self._folder, self._over = folder, over
        (folder / "tmp").mkdir()
        self._environment = os.environ | {"TMPDIR": str(folder / "tmp"), "COLUMNS": "100"}
        self.servers: set[int] = set()  # each Triton that there was
        self.jobs, self.failures = Counter[str](), list[str]()
        self.job: subprocess.Popen[str] | None = None

    def command(self, *arguments: object, log: str) -> subprocess.Popen[str]:
        with (self._folder / log).open("a") as file:
            return subprocess.Popen(
                [sys.executable, "-m", "client.cli", *map(str, arguments)],
                **{"stdout": file, "stderr": subprocess.STDOUT, "text": True, "cwd": ROOT, "env": self._environment},
            )

    def wait_for(self, log: str, pattern: str, process: subprocess.Popen[str]) -> str:
        while not (found := re.search(pattern, (self._folder / log).read_text())):
            if process.poll() is not None:
                raise SystemExit(f"{log}: ended with status {process.returncode}")
            time.sleep(0.1)
        return found[1]

    @contextmanager
    def running(self, *arguments: object, log: str) -> Iterator[subprocess.Popen[str]]:
        process = self.command(*arguments, log=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            if process.wait(60) != 0:
                self.failures.append(f"mot {arguments[0]}: status {process.returncode}")

    def conduct(self, server: Server, fate: Fate, pause: float) -> None:
        """One camera's life."""
        while not self._over.wait(pause):
            fate(server, self._over)

    def run_jobs(self, url: str) -> None:
        """Jobs one after the other, each as a process that is new."""
        short = [self._folder / f"short-{number}.mp4" for number in range(3)]
        kinds = itertools.cycle([("track", short[0]), ("batch", *short, "--jobs", 2)])
        while not self._over.wait(JOB_PAUSE_S):
            kind, *rest = next(kinds)
            target = self._folder / "jobs" / str(sum(self.jobs.values()))
            self.job = self.command(kind, *rest, "-o", target, "--url", url, log="jobs.log")
            self.jobs[str(kind)] += 1
            if self.job.wait() != 0:
                self.failures.append(f"job {target.name}, mot {kind}: status {self.job.returncode}")


def begin_cameras(soak: Soak, folder: Path, stack: ExitStack, rate: int) -> list[Thread]:
    fates: dict[str, tuple[Fate, float] | None] = {
        "steady": None,
        "stalls": (stall, 20.0),
        "restarts": (restart, 45.0),
        "resizes": (resize(folder), 75.0),
        "vanishes": (vanish, 80.0),
    }
    threads, tables = [], ["[recording]\nevery = 300\nvideo = true\n[events]\ninterval = 10"]
    for name, fate in fates.items():
        server = Server(folder / "live.mp4")
        server.start()
        stack.callback(server.kill)
        tables.append(f'[[camera]]\nname = "{name}"\naddress = "{server.url}"\nwaiting = {4 * rate}')
        if fate is not None:
            threads.append(Thread(target=soak.conduct, args=(server, *fate), name=name))
    (folder / "cameras.toml").write_text("\n".join(tables))
    return threads


def cameras_at(page: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(page, timeout=60) as answer:
        cameras: list[dict[str, Any]] = json.load(answer)["cameras"]
    return cameras


def wait_until_live(page: str) -> None:
    deadline = time.monotonic() + 300
    while not (cameras := cameras_at(page)) or any(one["state"] != "live" or one["frames"] < 5 for one in cameras):
        if time.monotonic() > deadline:
            raise SystemExit(f"cameras never live: {cameras}")
        time.sleep(0.5)


def take(soak: Soak, watch: int, serve: int, folder: Path) -> dict[str, Sample]:
    """What there is: a server that is being restarted has no processes."""
    processes = {"mot watch": watch, "mot serve": serve, **named(family(serve)[1:])}
    soak.servers.update(pid for name, pid in processes.items() if name.startswith("tritonserver"))
    found = {name: sample(pid) for name, pid in processes.items()}
    jobs = family(soak.job.pid) if soak.job and soak.job.poll() is None else []
    found["jobs, all"] = total([one for one in map(sample, jobs) if one])
    files = sum(1 for path in (folder / "tmp").rglob("*") if path.is_file())
    found["temporary files"] = Sample(rss=0, handles=files, threads=0)
    if not found["mot watch"] or not found["mot serve"]:
        raise SystemExit("gone in the middle; see watch.log and serve.log")
    return {name: one for name, one in found.items() if one}


def run(folder: Path, minutes: float, rate: int) -> dict[str, Any]:
    over, seconds, series = Event(), list[float](), dict[str, list[Sample]]()
    soak = Soak(folder, over)
    make_videos(folder, rate, minutes * 60 + LEFT_S)
    with ExitStack() as stack:
        ports = ("--http-port", 0, "--grpc-port", 0, "--metrics-port", 0)
        serve = stack.enter_context(soak.running("serve", *ports, log="serve.log"))
        url = soak.wait_for("serve.log", r"gRPC +(\S+)\n", serve)
        threads = begin_cameras(soak, folder, stack, rate)
        options = ("--url", url, "--status-port", 0)
        watch = stack.enter_context(soak.running("watch", folder / "cameras.toml", *options, log="watch.log"))
        page = soak.wait_for("watch.log", r"status page: (\S+)\n", watch) + "status.json"
        threads.append(Thread(target=soak.run_jobs, args=(url,), name="jobs"))
        wait_until_live(page)
        for thread in threads:
            thread.start()
        try:
            begun = time.monotonic()
            while (passed := time.monotonic() - begun) < minutes * 60:
                seconds.append(passed)
                now = take(soak, watch.pid, serve.pid, folder)
                for name in now.keys() | series.keys():
                    known = series.setdefault(name, [now[name]] * (len(seconds) - 1) if name in now else [])
                    known.append(now[name] if name in now else known[-1])
                cameras = cameras_at(page)
                time.sleep(EVERY_S)
        except KeyboardInterrupt:
            print("stopped; what there is counts")
        finally:
            over.set()
            for thread in threads:
                thread.join()
    judged = judge(seconds, {name: one for name, one in series.items() if name != "jobs, all"})
    draw(seconds, series, folder / "soak.png")
    flat = all(one.flat for figures in judged.values() for one in figures.values())
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "minutes": round(seconds[-1] / 60, 1),
        "server_restarts": len(soak.servers) - 1,
        "good": flat and not soak.failures,
        "flat": flat,
        "failures": soak.failures,
        "jobs": dict(soak.jobs),
        "cameras": cameras,
        "figures": as_json(judged),
        "seconds": [round(each, 1) for each in seconds],
        "samples": {name: [[round(one.rss, 1), one.handles, one.threads] for one in s] for name, s in series.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=32.0)
    parser.add_argument("--rate", type=int, default=2, help="frames a second of each camera")
    parser.add_argument("--output", type=Path, required=True, help="a new folder")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True)
    result = run(arguments.output.absolute(), arguments.minutes, arguments.rate)
    (arguments.output / "soak.json").write_text(json.dumps(result, indent=1))
    for name, figures in result["figures"].items():
        for figure, one in figures.items():
            state = "" if one["flat"] else "  GROWS"
            print(
                f"{name:28} {figure:8} {one['start']:8.1f} {one['after']:8.1f} {one['end']:8.1f} "
                f"{one['slope']:+8.2f}/h{state}"
            )
    for camera in result["cameras"]:
        print(*(camera[key] for key in ("camera", "state", "frames", "dropped", "losses", "ids")))
    print(f"{result['minutes']} minutes, {result['server_restarts']} restarts of the server")
    print(f"jobs: {result['jobs']}; failures: {result['failures'] or 'none'}")
    sys.exit(not result["good"])


if __name__ == "__main__":
    main()
