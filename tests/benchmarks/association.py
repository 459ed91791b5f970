"""Association alone, ours and peers': updates a second, growth of memory, accuracy on public detections.

    python tests/benchmarks/association.py --json association.json
    python tests/benchmarks/association.py --rounds 2 --memory-frames 5000 --settings 4    # a quick look

All sides take turns on the same made-up crowds in one process with one BLAS thread; each has its detections in its
own form beforehand. Peers that are not installed are left out (association_peers.py says how to get them), and
accuracy needs the research data (MOT_DATA, by default ../shared/data).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does, before numpy is imported

import numpy as np
from association_accuracy import MEASURES, compare
from association_peers import PEERS
from rich.console import Console
from rich.table import Table

from client.tracking import TRACKERS
from mot.detections import Detections
from mot.files import whole_file

ROOT = Path(__file__).resolve().parents[2]
EMBEDDING_DIM = 128
AREA = np.array([1800.0, 900.0])  # pixels in which people walk
# Ours: what is timed, and whether it gets embeddings.
OURS = {
    "byte": False,
    "ocsort": False,
    "overlap_reid, no embeddings": False,
    "overlap_reid": True,
    "fairmot_byte": True,
    "botsort, still camera": True,
}
REFERENCE = "trackers ByteTrack"
# (ours, peer, people, bar): ours at least this many times as fast
BARS = (
    *(("byte", REFERENCE, people, 3.0) for people in (30, 60, 120)),
    *(("byte", peer, people, 1.0) for peer in ("pyxtrackers ByteTrack", "edgefirst ByteTrack") for people in (60, 120)),
    ("fairmot_byte", REFERENCE, 60, 1.0),
)


def crowd(people: int, frames: int, *, seed: int = 0) -> list[Detections]:
    """People who walk to and fro, overlap, and are missed once in twenty frames; best score first."""
    rng = np.random.default_rng(seed)
    corner, speed = rng.uniform(0, AREA, (people, 2)), rng.uniform(-4, 4, (people, 2))
    size, embeddings = rng.uniform([30, 80], [60, 150], (people, 2)), rng.normal(size=(people, EMBEDDING_DIM))
    found = []
    for _ in range(frames):
        corner += speed
        speed = np.where((corner < 0) | (corner > AREA), -speed, speed)
        seen = np.flatnonzero(rng.random(people) < 0.95)
        place = corner[seen] + rng.normal(0, 1, (len(seen), 2))
        extent = size[seen] * rng.normal(1, 0.02, (len(seen), 2))
        scores = rng.normal(0.8, 0.15, len(seen)).clip(0.05, 1).astype(np.float32)
        embedding = embeddings[seen] + rng.normal(0, 0.3, (len(seen), EMBEDDING_DIM))
        embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
        boxes = np.concatenate([place, place + extent], axis=1).astype(np.float32)
        order = np.argsort(-scores)
        found.append(Detections(boxes=boxes, scores=scores, embeddings=embedding.astype(np.float32))[order])
    return found


def bare(found: Sequence[Detections]) -> list[Detections]:
    """The same without embeddings."""
    return [replace(one, embeddings=None) for one in found]


def updates_per_second(update: Callable[[Any], Any], inputs: Sequence[Any]) -> float:
    gc.collect()
    begun = time.perf_counter()
    for one in inputs:
        update(one)
    return len(inputs) / (time.perf_counter() - begun)


def speeds(people: int, frames: int, rounds: int) -> dict[str, list[float]]:
    """Hz of each side in each round; a first round, which compiles and warms up, does not count."""
    found = crowd(people, frames)
    plain = bare(found)
    measured: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for name, embeddings in OURS.items():
            tracker = TRACKERS[name.split(",")[0]]().tracker(30)
            hz = updates_per_second(tracker.update, found if embeddings else plain)
            measured.setdefault(name, []).extend([hz] * (number > 0))
        for peer in PEERS:
            if peer.installed:
                inputs = [peer.prepare(one) for one in plain]
                hz = updates_per_second(peer.make({}, 30), inputs)
                measured.setdefault(peer.name, []).extend([hz] * (number > 0))
    return measured


def resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def growth(frames: int) -> dict[str, Any]:
    """Memory after a tenth of the frames and after all; someone new appears all the time."""
    scenes = [crowd(30, 100, seed=seed) for seed in range(10)]
    tracker = TRACKERS["overlap_reid"]().tracker(30)
    newest, before = 0, 0
    for number in range(frames):
        tracks = tracker.update(scenes[number // 100 % len(scenes)][number % 100])
        newest = max(newest, int(tracks.ids.max(initial=0)))
        if number + 1 == frames // 10:
            before = resident_bytes()
    return {"frames": frames, "ids": newest, "bytes": resident_bytes() - before}


def speed_table(measured: dict[int, dict[str, list[float]]]) -> Table:
    table = Table("Hz, median of rounds", *(f"{people} people" for people in measured))
    for name in next(iter(measured.values())):
        table.add_row(name, *(f"{statistics.median(measured[people][name]):,.0f}" for people in measured))
    return table


def ratios(measured: dict[int, dict[str, list[float]]]) -> list[dict[str, Any]]:
    """Each bar with the median of the rounds' own ratios."""
    found = []
    for ours, peer, people, bar in BARS:
        if people in measured and peer in measured[people]:
            pairs = zip(measured[people][ours], measured[people][peer], strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            found.append({"ours": ours, "peer": peer, "people": people, "ratio": ratio, "bar": bar})
    return found


def accuracy_table(record: dict[str, Any]) -> Table:
    table = Table(f"best of {record['settings']} settings, chosen on the other scenes", *MEASURES, "defaults: HOTA")
    for name, one in record["trackers"].items():
        table.add_row(name, *(f"{one['chosen'][m]:.1f}" for m in MEASURES), f"{one['defaults']['HOTA']:.1f}")
    for side in ("ours", "peers"):
        if side in record:
            table.add_row(f"best of {side}", *(f"{record[side]['chosen'][m]:.1f}" for m in MEASURES), "")
    if "peers" in record:
        gaps = [record["ours"]["chosen"][m] - record["peers"]["chosen"][m] for m in MEASURES]
        table.add_row("ours - peers", *(f"{gap:+.1f}" for gap in gaps), "")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[30, 60, 120])
    parser.add_argument("--frames", type=int, default=300, help="of each crowd")
    parser.add_argument("--rounds", type=int, default=5, help="0: no speed")
    parser.add_argument("--memory-frames", type=int, default=100_000, help="0: no memory")
    parser.add_argument("--settings", type=int, default=32, help="tried for each tracker; 0: no accuracy")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MOT_DATA", ROOT.parent / "shared/data")))
    parser.add_argument("--kept", type=Path, help="file for what accuracy has found so far, to go on from there")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    console, record = Console(), dict[str, Any]()
    missing = [peer.name for peer in PEERS if not peer.installed]
    if missing:
        console.print(f"not installed, left out: {', '.join(missing)}; association_peers.py says how to get them")
    if options.rounds:
        measured = {people: speeds(people, options.frames, options.rounds) for people in options.people}
        record["hz"], record["ratios"] = measured, ratios(measured)
        console.print(speed_table(measured))
        for one in record["ratios"]:
            line = "{ours} ÷ {peer}, {people} people: {ratio:.2f} (bar {bar:g})".format(**one)
            console.print(line, highlight=False)
    if options.memory_frames:
        record["memory"] = growth(options.memory_frames)
        console.print(
            "memory, last nine tenths of {frames} frames, {ids} ids: {bytes:+d} bytes".format(**record["memory"])
        )
    if options.settings:
        record["accuracy"] = compare(options.data, options.settings, options.kept)
        if record["accuracy"]:
            console.print(accuracy_table(record["accuracy"]))
        else:
            console.print(f"no accuracy: {options.data / 'association'} is missing")
    if options.json:
        with whole_file(options.json) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
