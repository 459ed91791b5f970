"""The curves of a run as one picture, ``curves.png``, out of its ``log.csv`` and ``validation.csv``."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mot.files import whole_file
from training.log import TERMS
from training.scoreboard import MEAN, read_rows

Rows = list[dict[str, str]]
SCORES = ("AP50", "HOTA", "MOTA", "IDF1")


def draw_curves(out: Path) -> Path:
    """Draw what the run in ``out`` has logged so far, over epochs; returns the picture."""
    log, scenes = read_rows(out / "log.csv"), read_rows(out / "validation.csv")
    # Figure itself and not pyplot, which would keep state and look for a screen; no layout engine, which takes as long
    # as all the rest.
    figure = Figure(figsize=(12, 8))
    loss, terms, rate, scores = figure.subplots(2, 2).flat
    figure.subplots_adjust(left=0.06, right=0.98, bottom=0.07, top=0.95, wspace=0.15, hspace=0.25)
    _lines(loss, log, ("loss",), "loss")
    _lines(terms, log, TERMS[1:], "terms of the loss")
    if any(float(row[name]) > 0 for row in log for name in TERMS[1:]):
        terms.set_yscale("log")
    _lines(rate, log, ("lr",), "learning rate")
    _lines(scores, [row for row in scenes if row["scene"] == MEAN], SCORES, "validation, mean of scenes, %", marker="o")
    path = out / "curves.png"
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=100)
    return path


def _lines(axes: Axes, rows: Rows, columns: tuple[str, ...], title: str, marker: str = "") -> None:
    """One line a column; an empty frame where there are no rows."""
    epochs = [float(row["epoch"]) for row in rows]
    for column in columns:
        axes.plot(epochs, [float(row[column]) for row in rows], label=column, marker=marker, linewidth=1)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.3)
    if rows and len(columns) > 1:
        axes.legend()
