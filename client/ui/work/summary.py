"""What the page shows of a result, worked out once when the job is done."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from client.analysis.figures import picture, ways
from client.analysis.heat import draw_heat, heat_map
from client.analysis.track_table import track_table
from client.analysis.trajectories import trajectories
from client.ui.results import ROWS, SCENE, SUMMARY
from client.ui.rows import save_rows
from client.ui.work.pictures import write_jpeg
from client.ui.work.watching import PORTRAITS, JobWatch
from mot.files import whole_file
from mot.sequence import MotRows, read_results

FOUND, HEAT, WAYS = "found.npz", "heat.jpg", "ways.svg"
_MOST_POINTS = 1200  # of the curve of people over time
_FINE = 0.02  # heights of a person: what an eye can tell of a way


def write_summary(folder: Path, watch: JobWatch, start: int) -> None:
    """Write what stands beside ``result.txt`` for the page: numbers, rows for counting, pictures.

    Args:
        start: the first frame's number.

    Raises:
        OSError: they cannot be written.
        SequenceError: the rows cannot be read.
    """
    rows = read_results(folder / "result.txt")
    save_rows(folder / ROWS, rows)
    width, height = watch.size
    scene = cv2.imread(str(folder / SCENE))
    if scene is not None:
        ground = cv2.cvtColor(scene, cv2.COLOR_BGR2RGB)
        _write_pictures(folder, np.asarray(ground, np.uint8), rows)
    times = np.array(watch.times)
    document = {
        "frame_rate": watch.frame_rate,
        "frames": watch.frames,
        "start": start,
        "width": width,
        "height": height,
        "seconds": _length(times, watch.frame_rate),
        **_people(rows, times, start),
        "tracks": _tracks(rows, times, start, watch.frame_rate, folder / PORTRAITS),
    }
    with whole_file(folder / SUMMARY) as temporary:
        temporary.write_text(json.dumps(document), encoding="utf-8")


def save_found(path: Path, watch: JobWatch) -> None:
    """Everybody found, frame by frame, for anonymising a drawing of later."""
    counts = [len(boxes) for boxes in watch.found]
    boxes = np.concatenate(watch.found) if watch.found else np.zeros((0, 4), np.int16)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, counts=np.array(counts, np.int32), boxes=boxes)


def read_found(path: Path) -> list[npt.NDArray[np.float32]]:
    """(N, 4) xyxy for each frame; nothing where nobody has kept them."""
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as content:
        return np.split(content["boxes"].astype(np.float32), np.cumsum(content["counts"])[:-1])


def _write_pictures(folder: Path, ground: npt.NDArray[np.uint8], rows: MotRows) -> None:
    height, width = ground.shape[:2]
    heat = draw_heat(ground, heat_map(rows, width, height))
    write_jpeg(folder / HEAT, heat, 88)
    lines = ways(trajectories(rows, _FINE), max(1.0, height / 360))
    drawing = picture(ground, "trajectories", lines)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
    with whole_file(folder / WAYS) as temporary:
        temporary.write_text(drawing.replace("<svg ", head, 1), encoding="utf-8")


def _length(times: npt.NDArray[np.float64], rate: float) -> float:
    return float(times[-1] - times[0] + 1 / rate) if len(times) else 0.0


def _people(rows: MotRows, times: npt.NDArray[np.float64], start: int) -> dict[str, Any]:
    """The number of people over time: the greatest in each piece, with its begin in seconds of the result's video."""
    if not len(times):
        return {"people": [], "most": 0, "mean": 0.0}
    counts = np.bincount(rows.frames - start, minlength=len(times))[: len(times)]
    begins = np.arange(0, len(times), -(-len(times) // _MOST_POINTS))
    shown = np.maximum.reduceat(counts, begins)
    curve = [[round(t, 3), n] for t, n in zip((times[begins] - times[0]).tolist(), shown.tolist(), strict=True)]
    return {"people": curve, "most": int(counts.max()), "mean": round(float(counts.mean()), 2)}


def _tracks(
    rows: MotRows, times: npt.NDArray[np.float64], start: int, rate: float, portraits: Path
) -> list[dict[str, Any]]:
    """The table of tracks; times as the result's video has them."""
    shifted = dataclasses.replace(rows, frames=rows.frames - start + 1)
    have = {path.stem for path in portraits.glob("*.jpg")}
    records = track_table(shifted, rate).records()
    for record in records:
        first, last = record["first_frame"] - 1, record["last_frame"] - 1
        record["begin_s"] = round(float(times[first] - times[0]), 3)
        record["end_s"] = round(float(times[last] - times[0]), 3)
        record["first_frame"], record["last_frame"] = first + start, last + start
        record["portrait"] = str(record["id"]) in have
    return records
