"""The validations of a run: ``validation.csv``."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from mot.files import whole_file

# What is measured in a scene, per cent but the last. AP50 is the detector's alone.
MEASURES = ("AP50", "HOTA", "MOTA", "IDF1", "Rcll", "Prcn", "ID Sw.")
COLUMNS = ("step", "epoch", "scene", *MEASURES)
MEAN = "mean"  # name of the row of all scenes together
CRITERION = "HOTA"  # of the mean: the best checkpoint is the one where it is highest, the earliest of equals


class Scoreboard:
    """Rows of scenes, and of their mean, at the steps of validations; a resumed run keeps those up to its step."""

    def __init__(self, out: Path, step: int) -> None:
        """Read what a run that stands at ``step`` has validated."""
        self._path = out / "validation.csv"
        self._rows = [row for row in read_rows(self._path) if int(row["step"]) <= step]

    def has(self, step: int, scenes: list[str]) -> bool:
        """Whether just these scenes were validated at a step."""
        return [row["scene"] for row in self._rows if int(row["step"]) == step] == [*scenes, MEAN]

    def is_best(self, means: dict[str, float]) -> bool:
        """Whether these means beat all rows, in the digits that are written: a resumed run decides the same."""
        before = [float(row[CRITERION]) for row in self._rows if row["scene"] == MEAN]
        return float(_text(means[CRITERION])) > max(before, default=-math.inf)

    def add(self, step: int, epoch: float, scores: dict[str, dict[str, float]]) -> None:
        """Write the measures by row's name; rows of the same step are replaced."""
        self._rows = [row for row in self._rows if int(row["step"]) != step]
        for scene, values in scores.items():
            row = {"step": str(step), "epoch": f"{epoch:.3f}", "scene": scene}
            self._rows.append(row | {name: _text(value) for name, value in values.items()})
        with whole_file(self._path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self._rows)


def with_mean(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The measures of each scene, and their plain means under :data:`MEAN`."""
    means = {name: sum(values[name] for values in scores.values()) / len(scores) for name in MEASURES}
    return {**scores, MEAN: means}


def _text(value: float) -> str:
    return f"{value:.3f}"


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
