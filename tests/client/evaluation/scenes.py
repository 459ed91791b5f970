"""Labels and results that tests score."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from client.evaluation.scoring import SequencePair
from mot.sequence import MotRows, write_ground_truth, write_results

FRAMES = 40


def synthetic(seed: int, people: int = 8, frames: int = FRAMES) -> tuple[MotRows, MotRows]:
    """Walking people, some of them distractors or unmarked, and a tracker that misses, invents and swaps."""
    rng = np.random.default_rng(seed)
    frame, person = (grid.ravel() for grid in np.meshgrid(np.arange(1, frames + 1), np.arange(people), indexing="ij"))
    start, speed = rng.uniform(0, 900, (people, 2)), rng.uniform(-4, 4, (people, 2))
    corner = start[person] + speed[person] * frame[:, None]
    kind = rng.choice([1, 1, 1, 2, 7, 8, 12, 3, 6], people)
    kind[0] = 1
    truth = MotRows(
        frames=frame,
        ids=3 * person + 1,
        boxes=np.concatenate([corner, np.tile([40.0, 100.0], (len(frame), 1))], axis=1),
        scores=((kind == 1)[person] & (rng.random(len(frame)) > 0.05)).astype(float),
        classes=kind[person].astype(np.int64),
        visibilities=rng.random(len(frame)).round(3),
    )
    seen = truth[rng.random(len(frame)) > 0.2]
    boxes = seen.boxes + rng.normal(0, 4, seen.boxes.shape)
    swapped = seen.ids + 100 * (seen.frames > frames // 2) * (seen.ids % 2)
    ghosts = rng.uniform(0, 900, (frames, 4)).clip(20)
    found = MotRows(
        frames=np.concatenate([seen.frames, np.arange(1, frames + 1)]),
        ids=np.concatenate([swapped, np.full(frames, 999)]),
        boxes=np.concatenate([boxes, ghosts]),
        scores=np.ones(len(seen) + frames),
        classes=np.ones(len(seen) + frames, np.int64),
        visibilities=np.ones(len(seen) + frames),
    )
    return truth, found


def save(folder: Path, name: str, truth: MotRows, found: MotRows) -> SequencePair:
    pair = SequencePair(name=name, ground_truth=folder / name / "gt" / "gt.txt", result=folder / "out" / f"{name}.txt")
    write_ground_truth(pair.ground_truth, truth)
    write_results(pair.result, found)
    return pair


def people(frames_of: dict[int, list[int]], ids: dict[int, int] | None = None) -> MotRows:
    """Pedestrians who stand far apart: person -> frames. With ``ids``, a result that gives them these tracks."""
    rows = sorted((frame, person) for person, frames in frames_of.items() for frame in frames)
    count = len(rows)
    table = np.array(rows, np.int64).reshape(-1, 2)
    return MotRows(
        frames=table[:, 0],
        ids=np.array([(ids or {}).get(person, person) for person in table[:, 1].tolist()], np.int64),
        boxes=np.stack([200.0 * table[:, 1], *(np.full(count, value) for value in (50.0, 40.0, 100.0))], axis=1),
        scores=np.ones(count),
        classes=np.ones(count, np.int64),
        visibilities=np.ones(count),
    )
