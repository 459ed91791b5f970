from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from lightning.fabric import Fabric

from training.curves import draw_curves
from training.log import TERMS, Log
from training.scoreboard import MEASURES, Scoreboard, with_mean


def write_log(out: Path, *losses: float) -> None:
    with Log(out, 0, Fabric(accelerator="cpu", devices=1)) as log:
        for step, loss in enumerate(losses, start=1):
            log.add(dict.fromkeys(TERMS, torch.tensor(loss)), 0.0)
            log.write(step, step / 4, 1e-3)


def lines(path: Path) -> list[set[str]]:
    """The colours of lines in each of the four frames, row by row."""
    image = cv2.imread(str(path))
    assert image is not None
    height, width = image.shape[0] // 2, image.shape[1] // 2
    parts = [image[y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
    # Thin lines are antialiased: some pixels come near the colour.
    return [
        {name for name, colour in COLOURS.items() if (np.abs(part.astype(int) - colour).max(axis=2) < 40).any()}
        for part in parts
    ]


COLOURS = {"blue": (180, 119, 31), "orange": (14, 127, 255)}  # BGR of a frame's first and second line


def test_lines_for_what_was_logged(tmp_path: Path) -> None:
    write_log(tmp_path, 3.0, 2.0, 1.0)
    Scoreboard(tmp_path, 0).add(2, 0.5, with_mean({"a": dict.fromkeys(MEASURES, 40.0)}))
    assert draw_curves(tmp_path) == tmp_path / "curves.png"
    assert lines(tmp_path / "curves.png") == [{"blue"}, {"blue", "orange"}, {"blue"}, {"blue", "orange"}]


def test_without_validation_its_frame_is_empty(tmp_path: Path) -> None:
    write_log(tmp_path, 3.0, float("nan"), 1.0, 2.0)
    loss, _, _, scores = lines(draw_curves(tmp_path))
    assert (loss, scores) == ({"blue"}, set())


def test_a_run_without_rows(tmp_path: Path) -> None:
    assert draw_curves(tmp_path).is_file()
    write_log(tmp_path)
    assert draw_curves(tmp_path).is_file()
