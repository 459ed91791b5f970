"""How long a worker waits for its next job when many wait, and for what a page asks of the queue.

python -m tests.benchmarks.ui_queue
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from client.ui.store.database import Database
from client.ui.store.forecast import places
from client.ui.store.jobs import JobQueue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=2000)
    parser.add_argument("--claims", type=int, default=100)
    arguments = parser.parse_args()
    print(f"{'owners':>7} {'claim, ms':>10} {'worst':>7} {'places, ms':>11}")
    for owners in (1, 40, arguments.waiting):
        with tempfile.TemporaryDirectory() as folder:
            database = Database(Path(folder) / "page.db")
            queue = JobQueue(database)
            for number in range(arguments.waiting):
                queue.add(f"owner{number % owners}", title="a.mp4", spec="{}")
            begun = time.perf_counter()
            places(database, 2)
            expected = 1000 * (time.perf_counter() - begun)
            times = []
            for _ in range(arguments.claims):
                begun = time.perf_counter()
                job = queue.claim("worker")
                times.append(1000 * (time.perf_counter() - begun))
                assert job
                queue.done(job, frames=1)
            print(f"{owners:7} {statistics.median(times):10.2f} {max(times):7.2f} {expected:11.2f}")
            database.close()


if __name__ == "__main__":
    main()
