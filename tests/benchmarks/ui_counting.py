"""How long the page takes from a line that was moved to its new counts, on the result of a 10-minute video.

    python -m tests.benchmarks.ui_counting

18,000 frames with 20 people in each. What the page does on every change: the drawing becomes lines and zones, these
are written, everything is counted. "first" reads the rows, too.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

from client.analysis.places import write_places
from client.ui.page.counting import from_drawing
from client.ui.results import Result
from client.ui.rows import save_rows
from tests.benchmarks.counting import RATE, crowd

FRAMES, PEOPLE, ROUNDS = 18_000, 20, 20


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "1"
        folder.mkdir()
        save_rows(folder / "rows.npz", crowd(FRAMES, PEOPLE))
        summary = {"frame_rate": RATE, "frames": FRAMES, "start": 1, "width": 1920, "height": 1080}
        (folder / "summary.json").write_text(json.dumps(summary))
        result = Result.of(Path(name), 1, "street.mp4")
        times = [_change(result, 0.3 + 0.02 * round) for round in range(ROUNDS)]
    print(f"first   {times[0]:.3f} s")
    print(f"change  {statistics.median(times[1:]):.3f} s, worst {max(times[1:]):.3f} s")


def _change(result: Result, height: float) -> float:
    begun = time.perf_counter()
    drawn = [
        {"kind": "line", "name": "door", "points": [[0.1, height], [0.9, height]]},
        {"kind": "zone", "name": "left", "points": [[0, 0], [0.4, 0], [0.4, 1], [0, 1]]},
        {"kind": "zone", "name": "right", "points": [[0.6, 0], [1, 0], [1, 1], [0.6, 1]]},
    ]
    places = from_drawing(drawn, *result.size)
    write_places(result.places_path, places)
    counts = result.counts(places)
    assert counts.lines[0].total_in + counts.lines[0].total_out > 0
    assert all(zone.occupancy.max() > 0 for zone in counts.zones)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
