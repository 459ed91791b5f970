"""Evaluations for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from rich.table import Table
from rich.text import Text

from client.commands.columns import columns_table
from client.evaluation.comparison import Comparison, signed_difference
from client.evaluation.errors import CAUSES, HEIGHTS, OF_PEOPLE, VISIBILITIES, join
from client.evaluation.measures import MEASURES, Evaluation, Measure, Score
from client.evaluation.stretch import Stretch

_MAIN = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "FP", "FN", "ID Sw.")
_WIDTH = 4  # sequences side by side; names such as MOT17-02-FRCNN then stay whole
_PEOPLE = 4  # shown of a stretch


def score_tables(evaluation: Evaluation) -> list[Table]:
    """Measures down, sequences across, in as many tables as it takes."""
    alone = evaluation.sequences
    shown = alone if len(alone) == 1 else (*alone, evaluation.combined)
    return [_scores(evaluation.benchmark, shown[begin : begin + _WIDTH]) for begin in range(0, len(shown), _WIDTH)]


def comparison_tables(comparison: Comparison, top: int) -> list[Table]:
    """The main measures of both, and the ``top`` worst stretches of either."""
    shown = [measure for name in _MAIN for measure in MEASURES if measure.name == name]
    scores = columns_table(f"{comparison.a.benchmark} protocol", ["Sequence", ""], [measure.name for measure in shown])
    for a, b in comparison.scores:
        scores.add_row(a.name, "A", *(measure.format(a[measure.name]) for measure in shown))
        scores.add_row("", "B", *(measure.format(b[measure.name]) for measure in shown))
        scores.add_row("", "A−B", *(_difference(measure, a, b) for measure in shown), end_section=True)
    return [
        scores,
        stretch_table("Broke: mistakes of A that B does not make", comparison.broke[:top]),
        stretch_table("Mended: mistakes of B that A does not make", comparison.mended[:top]),
    ]


def error_tables(evaluation: Evaluation, label: str = "") -> list[Table]:
    """Errors by cause and sequence, by height, and by visibility where the labels give it.

    Args:
        label: of the result, where there are two.
    """
    of = f" of {label}" if label else ""
    names, together = list(evaluation.errors), join(list(evaluation.errors.values()))
    shown = [*evaluation.errors.items(), *([("COMBINED", together)] if len(names) > 1 else [])]
    tables = []
    for begin in range(0, len(shown), _WIDTH):
        group = shown[begin : begin + _WIDTH]
        causes = columns_table(f"Errors{of} by cause", ["Cause"], [name for name, _ in group])
        for cause, meaning in CAUSES.items():
            causes.add_row(f"{cause} [dim]{meaning}[/]", *(str(errors.count(cause)) for _, errors in group))
        tables.append(causes)
    height = _binned_table(f"By height{of}, pixels", HEIGHTS, together.labels_by_height())
    for cause in CAUSES:
        height.add_row(cause, *map(str, together.by_height(cause)))
    tables.append(height)
    if (together.label_visibilities < 1).any():
        visibility = _binned_table(f"By visible part{of}", VISIBILITIES, together.labels_by_visibility())
        for cause in OF_PEOPLE:
            visibility.add_row(cause, *map(str, together.by_visibility(cause)))
        visibility.caption = "Coasted boxes and false people concern nobody labelled."
        tables.append(visibility)
    return tables


def _binned_table(title: str, edges: Sequence[float], labels: Sequence[int]) -> Table:
    """A column for each range; the first row are the labels."""
    headers = [f"from {low:g}" if high == inf else f"{low:g}–{high:g}" for low, high in pairwise(edges)]
    table = columns_table(title, [""], headers)
    table.add_row("labels", *map(str, labels), end_section=True)
    return table


def stretch_table(title: str, stretches: Sequence[Stretch]) -> Table:
    """A row a stretch; people as far as there is room."""
    table = columns_table(title, ["Sequence"], ["Frames", "Mistakes", "FN", "FP", "ID Sw."])
    table.add_column("People")
    for one in stretches:
        people = ", ".join(map(str, one.people[:_PEOPLE])) + (", …" if len(one.people) > _PEOPLE else "")
        counts = one.mistakes, one.missed, one.false, one.switched
        table.add_row(one.sequence, f"{one.first}–{one.last}", *map(str, counts), people)
    return table


def _scores(benchmark: str, scores: Sequence[Score]) -> Table:
    table = Table(title=f"{benchmark} protocol")
    table.add_column("Measure")
    for score in scores:
        table.add_column(score.name, justify="right", overflow="fold")
    for measure in MEASURES:
        arrow = "↑" if measure.better == "higher" else "↓"
        cells = [measure.format(score.values[measure.name]) for score in scores]
        table.add_row(f"{measure.name} {arrow}", *cells)
    table.add_row("Frames", *(str(score.frames) for score in scores))
    return table


def _difference(measure: Measure, a: Score, b: Score) -> Text:
    """Signed; green for better and red for worse."""
    text, kind = signed_difference(measure, a, b)
    return Text(text, style={"better": "green", "worse": "red"}.get(kind, ""))
