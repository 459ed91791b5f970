"""Loss curves of two tiny runs, as they were when they were committed.

    python -m tests.training.test_golden       # writes tests/golden/loss_curves.json anew, after a change that is meant

The runs have a fixed seed and one thread. Another CPU orders its sums differently and rounds a pixel otherwise,
which grows with the steps: see ``TOLERANCE``.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric

from mot.files import whole_file
from tests.training.people import write_people
from training import train
from training.log import TERMS
from training.recipe import Recipe, parse_recipe

GOLDEN = Path(__file__).resolve().parents[1] / "golden/loss_curves.json"
# Relative. With other instruction sets for torch, oneDNN and OpenCV on one machine (ATEN_CPU_CAPABILITY=default,
# ONEDNN_MAX_CPU_ISA=SSE41, OPENCV_CPU_DISABLE=AVX2) the eighth step differs by up to 1e-3.
TOLERANCE = 5e-3
Curves = dict[str, list[float]]


def recipe(architecture: str, box_loss: str) -> Recipe:
    content = {
        "architecture": architecture,
        "width": 96,
        "height": 64,
        "batch_size": 2,
        "accumulate": 2,
        "epochs": 4,
        "max_objects": 8,
        "workers": 0,
        "optimizer": "adamw",
        "lr": 5e-5,  # small: Adam's first steps do not depend on a gradient's size, so that they enlarge rounding
        "weight_decay": 0.01,
        "warmup_steps": 3,
        "schedule": "cosine",
        "clip_norm": 10.0,
        "loss": {"box_loss": box_loss},
        "augment": {"mosaic": 0.3, "grey": 0.2, "blur": 0.2},
    }
    return parse_recipe({"name": "golden"} | content, "test")


RUNS = {
    "yolox_nano": recipe("yolox_nano", "giou"),
    "mit_b0": recipe("mit_b0", "l1"),
    "rtmdet_nano": recipe("rtmdet_nano", "giou"),
}


def curves(given: Recipe, folder: Path) -> Curves:
    """Every term of the loss at each of eight steps."""
    data = write_people(folder / "data", 10)
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    train.fit(given, data, folder / "out", fabric, resume=False, progress=lambda *_: None, report=lambda _: None)
    with (folder / "out/log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in TERMS}


@pytest.mark.usefixtures("row_a_step")
@pytest.mark.parametrize("name", RUNS)
def test_loss_curves_are_as_committed(name: str, tmp_path: Path) -> None:
    found, expected = curves(RUNS[name], tmp_path), json.loads(GOLDEN.read_text())[name]
    assert found.keys() == expected.keys()
    for term, values in expected.items():
        assert found[term] == pytest.approx(values, rel=TOLERANCE), term


def main() -> None:
    torch.set_num_threads(1)
    train.LOG_EVERY = 1
    with tempfile.TemporaryDirectory() as folder:
        found = {name: curves(given, Path(folder) / name) for name, given in RUNS.items()}
    with whole_file(GOLDEN) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(f"{GOLDEN}\n")


if __name__ == "__main__":
    main()
