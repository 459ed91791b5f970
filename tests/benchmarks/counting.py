"""How long a counting change takes: lines and zones moved over the result of a 10-minute video, without the network.

    python tests/benchmarks/counting.py

18,000 frames with 20 people in each; ids last 20 seconds, every tenth row is missing. "change" is what the page does
when a line is moved: footsteps are kept. "from rows" makes them anew, "from file" reads the text, too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from client.analysis.counting import CountConfig, Counts, count
from client.analysis.footsteps import footsteps
from client.analysis.heat import heat_map
from client.analysis.places import Places
from client.analysis.report import ReportInput, report_html
from client.analysis.track_table import track_table
from mot.sequence import MotRows, read_results, write_results

RATE = 30.0  # frames per second
LIFETIME = 600  # frames of an id
CONFIG = CountConfig()


def crowd(frames: int, people: int) -> MotRows:
    """People who stroll about a picture of 1920x1080, with boxes that tremble by 2 pixels."""
    rng = np.random.default_rng(14)
    frame = np.repeat(np.arange(1, frames + 1), people)
    person = np.tile(np.arange(people), frames)
    x = 960 + 900 * np.sin(frame / 150 + 0.7 * person) + rng.normal(0, 2, len(frame))
    y = 600 + 400 * np.cos(frame / 230 + person) + rng.normal(0, 2, len(frame))
    tall = 150.0 + 5 * person
    seen = rng.random(len(frame)) > 0.1
    rows = MotRows(
        frames=frame,
        ids=1 + person + people * ((frame - 1) // LIFETIME),
        boxes=np.stack([x - 0.2 * tall, y - tall, 0.4 * tall, tall], axis=1),
        scores=np.full(len(frame), 0.8),
        classes=np.ones(len(frame), np.int64),
        visibilities=np.ones(len(frame)),
    )
    return rows[seen]


def places(lines: int, zones: int, shift: float = 0.0) -> Places:
    """Lines of three points and zones of six corners, spread over the picture."""

    def spread(number: int, of: int) -> float:
        return 200 + 1500 * number / of + shift

    return Places.model_validate(
        {
            "width": 1920,
            "height": 1080,
            "lines": [
                {"name": f"line {i}", "points": [[x, 200], [x + 60, 600], [x, 1000]]}
                for i, x in ((i, spread(i, lines)) for i in range(lines))
            ],
            "zones": [
                {"name": f"zone {i}", "points": [[x + 150 * u, 600 + 250 * v] for u, v in _HEXAGON]}
                for i, x in ((i, spread(i, zones)) for i in range(zones))
            ],
        }
    )


_HEXAGON = [(1, 0), (0.5, 0.87), (-0.5, 0.87), (-1, 0), (-0.5, -0.87), (0.5, -0.87)]


def seconds(work: Callable[[], object], repeat: int) -> str:
    """Median and worst."""
    work()
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return f"{statistics.median(times):.3f} s (at most {max(times):.3f} s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=18_000)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    rows = crowd(options.frames, options.people)
    kept = footsteps(rows, CONFIG.max_gap)
    print(f"{options.frames} frames, {len(rows)} rows, {len(kept)} footsteps")

    def change(where: Places) -> Counts:
        return count(rows, where, frame_rate=RATE, config=CONFIG, steps=kept)

    for lines, zones in ((1, 0), (0, 1), (1, 1), (4, 4)):
        where = places(lines, zones)
        print(f"change, {lines} lines, {zones} zones: {seconds(lambda where=where: change(where), options.repeat)}")
    where = places(4, 4)
    print("from rows, 4 and 4:", seconds(lambda: count(rows, where, frame_rate=RATE), options.repeat))
    counts = change(where)
    print("table of tracks:", seconds(lambda: track_table(rows, RATE), options.repeat))
    print("heat map:", seconds(lambda: heat_map(rows, 1920, 1080), options.repeat))
    about = ReportInput(name="crowd", rows=rows, places=where, counts=counts, config=CONFIG)
    print("report:", seconds(lambda: report_html(about), 3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crowd.txt"
        write_results(path, rows)
        print("from file, 4 and 4:", seconds(lambda: count(read_results(path), where, frame_rate=RATE), 3))


if __name__ == "__main__":
    main()
