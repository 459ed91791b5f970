"""Figures of one evaluation, or of two side by side. Imports matplotlib, so import this only to draw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from client.evaluation.measures import ALPHAS, CURVES, Evaluation, Score
from client.evaluation.mistakes import Mistakes, per_frame

_BARS = ("HOTA", "MOTA", "IDF1")
_STYLES = ("-", "--")  # of the first and the second result
_MISSED, _FALSE, _SWITCH = "tab:orange", "tab:blue", "crimson"

# Figures are made of Figure itself and not of pyplot, which would keep state and look for a screen.


def draw_figures(results: Mapping[str, Evaluation]) -> dict[str, Figure]:
    """By file name without suffix; ``results`` are one or two evaluations of the same sequences, by their labels."""
    return {"alpha": _draw_alpha(results), "sequences": _draw_bars(results), "timeline": _draw_timeline(results)}


def _draw_alpha(results: Mapping[str, Evaluation]) -> Figure:
    """HOTA, DetA and AssA over the overlap that makes a match: all together, and of a single result each sequence."""
    figure = Figure(figsize=(14, 5), layout="constrained")
    panels = figure.subplots(1, len(CURVES), sharey=True)
    for axes, name in zip(panels, CURVES, strict=True):
        for (label, evaluation), style in zip(results.items(), _STYLES, strict=False):
            if len(results) == 1 and len(evaluation.sequences) > 1:
                for score in evaluation.sequences:
                    axes.plot(ALPHAS, score.curves[name], linewidth=0.8, alpha=0.7, label=score.name)
            mean = evaluation.combined[name]
            axes.plot(ALPHAS, evaluation.combined.curves[name], style, color="black", label=f"{label}: {mean:.1f}")
        axes.set(title=f"{name}, %", xlabel="overlap (IoU) that makes a match", xlim=(0, 1), ylim=(0, 100))
        axes.grid(alpha=0.3)
        axes.legend(fontsize="x-small")
    return figure


def _draw_bars(results: Mapping[str, Evaluation]) -> Figure:
    """One group of bars a sequence, one bar a result."""
    scores = {label: _shown(evaluation) for label, evaluation in results.items()}
    names = [score.name for score in next(iter(scores.values()))]
    figure = Figure(figsize=(max(6.0, 2 + 0.6 * len(names) * len(results)), 9), layout="constrained")
    panels = figure.subplots(len(_BARS), 1, sharex=True)
    width = 0.8 / len(results)
    for axes, measure in zip(panels, _BARS, strict=True):
        for i, (label, shown) in enumerate(scores.items()):
            places = np.arange(len(names)) + (i - (len(results) - 1) / 2) * width
            bars = axes.bar(places, [score[measure] for score in shown], 0.9 * width, label=label)
            axes.bar_label(bars, fmt="%.1f", fontsize="x-small")
        axes.set_ylabel(f"{measure}, %")
        axes.grid(alpha=0.3, axis="y")
        axes.margins(y=0.15)
    panels[-1].set_xticks(range(len(names)), names, rotation=30, ha="right")
    if len(results) > 1:
        panels[0].legend()
    return figure


def _draw_timeline(results: Mapping[str, Evaluation]) -> Figure:
    """A row a sequence and result: people missed upwards, false boxes downwards, identity switches as marks."""
    rows = [(name, label) for name in next(iter(results.values())).mistakes for label in results]
    figure = Figure(figsize=(14, 0.8 + 1.5 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axes, (name, label) in zip(panels, rows, strict=True):
        _draw_mistakes(axes, results[label].mistakes[name])
        axes.set_title(name if len(results) == 1 else f"{name}, {label}", fontsize="small", loc="left")
    panels[0].legend(fontsize="x-small", ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    panels[-1].set_xlabel("frame")
    return figure


def _draw_mistakes(axes: Axes, mistakes: Mistakes) -> None:
    first, last = mistakes.first, mistakes.last
    edges = np.arange(first, last + 2) - 0.5
    missed, false = (per_frame(f, first, last) for f in (mistakes.missed[:, 0], mistakes.false))
    axes.stairs(missed, edges, fill=True, color=_MISSED, label="missed (FN)")
    axes.stairs(-false, edges, fill=True, color=_FALSE, label="false (FP)")
    whole_height = axes.get_xaxis_transform()
    axes.vlines(
        mistakes.switched[:, 0], 0, 1, color=_SWITCH, linewidth=1, transform=whole_height, label="identity switch"
    )
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set_xlim(edges[0], edges[-1])
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")


def _shown(evaluation: Evaluation) -> list[Score]:
    """Each sequence, and all together where there are several."""
    alone = list(evaluation.sequences)
    return alone if len(alone) == 1 else [*alone, evaluation.combined]
