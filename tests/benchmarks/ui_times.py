"""What a person waits for: the first live picture, and a job of the page beside `mot track` on the same server.

    python -m tests.benchmarks.ui_times

Needs Chromium. With the shipped model on an embedded Triton, one worker, the sample video. Sides take turns.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from client.jobs.record import Record
from client.video.sample import fetch_sample
from tests.chromium import chromium
from tests.command import ROOT
from tests.page_server import PageServer, Person, page_server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, help="of the sample; by default all 795")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        chromium(alone=False) as browser,
        page_server(Path(name) / "data", "--workers", 1) as server,
    ):
        address = _triton(server)
        first, page, track = [], [], []
        for number in range(arguments.rounds + 1):
            preview, seconds = _by_page(browser, server, arguments.frames)
            other = _by_command(address, Path(name) / f"out{number}", arguments.frames)
            print(f"first picture {preview:.2f} s, page {seconds:.1f} s, mot track {other:.1f} s", flush=True)
            if number:  # the first round warms up
                first.append(preview)
                page.append(seconds)
                track.append(other)
    print(f"first picture {statistics.median(first):.2f} s; page / mot track {sum(page) / sum(track):.3f}")


def _by_page(browser: Any, server: PageServer, frames: int | None) -> tuple[float, float]:
    """Seconds from the click to the picture, and those of the job, from its claim to its end."""
    person = Person(browser, server)
    person.open()
    if frames is not None:
        person.page.get_by_text("Settings", exact=True).last.click()
        person.page.get_by_text("Only some frames").click()
        person.page.get_by_label("Last frame").fill(str(frames))
        person.page.get_by_label("Last frame").press("Enter")
    person.page.wait_for_timeout(1000)
    begun = time.perf_counter()
    person.page.get_by_role("button", name="Try the sample").click()
    person.page.wait_for_selector("img[alt=Live]")
    preview = time.perf_counter() - begun
    person.page.goto("about:blank")  # so that the browser takes no time from the job
    with sqlite3.connect(server.data / "page.db") as database:
        newest = "FROM jobs ORDER BY seq DESC LIMIT 1"
        while database.execute(f"SELECT state {newest}").fetchone()[0] != "done":
            time.sleep(0.5)
        seconds = float(database.execute(f"SELECT seconds {newest}").fetchone()[0])
    person.context.close()
    return preview, seconds


def _by_command(address: str, output: Path, frames: int | None) -> float:
    """Seconds of the job itself, without the start of the program."""
    sample = fetch_sample()
    command = [sys.executable, "-m", "client.cli", "track", str(sample), "--url", address, "--output", str(output)]
    command += [] if frames is None else ["--end", str(frames)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    record = Record.read(output, sample.stem)
    assert record and record.summary
    return record.summary.seconds


def _triton(server: PageServer) -> str:
    (pid,) = server.parts("tritonserver")
    port = Path(f"/proc/{pid}/cmdline").read_text().partition("--grpc-port=")[2].partition("\0")[0]
    return f"127.0.0.1:{port}"


if __name__ == "__main__":
    main()
