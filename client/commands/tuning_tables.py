"""What ``mot tune`` has found, for a terminal of 80 columns."""

from __future__ import annotations

from rich.table import Table

from client.commands.columns import columns_table
from client.tuning.labelled import MEASURES, Scores, judged
from client.tuning.search import TOLERANCE
from client.tuning.space import Value
from client.tuning.tune import Tuning


def judged_table(tuning: Tuning) -> Table:
    """The settings before and after on each sequence left out, and the mean gained."""
    title = "Judged on sequences left out of the search" if tuning.folds else "Judged on the sequence searched"
    table = columns_table(title, ["Sequence", "Settings"], [*MEASURES, "Mean of three"])
    for fold in tuning.folds:
        for name in fold.tuned:
            for settings, scores in (("as given", fold.default[name]), ("tuned", fold.tuned[name])):
                table.add_row(name if settings == "as given" else "", settings, *_cells(scores))
            table.add_section()
    if tuning.gain is not None:
        table.add_row("gained", "", *[""] * len(MEASURES), f"{tuning.gain:+.1f}")
    searched = f"{', '.join(tuning.chosen_on)}, searched"
    chosen = tuning.chosen
    for settings, value in (("as given", chosen.default), ("tuned", chosen.value)):
        table.add_row(searched if settings == "as given" else "", settings, *[""] * len(MEASURES), f"{value:.1f}")
    return table


def plateau_table(tuning: Tuning) -> Table:
    """How far each setting may be moved alone; what matters most comes first."""
    table = columns_table(
        f"Plateau: within {TOLERANCE:g} point of the best", ["Setting"], ["Best", "Plateau", "Tried", "Lost"]
    )
    ranges = {one.name: one for one in tuning.ranges}
    for one in tuning.plateaus:
        tried = ranges[one.name]
        limits = "false, true" if tried.switch else f"{tried.low:g}–{tried.high:g}"
        wide = _text(one.low) if one.low == one.high else f"{_text(one.low)}–{_text(one.high)}"
        table.add_row(one.name, _text(one.best), wide, limits, f"{one.worst:.1f}")
    table.caption = (
        f"Lost: points at the worst value tried. {tuning.chosen.near:.0%} of {len(tuning.chosen.tried)} trials "
        "are on the plateau."
    )
    return table


def _cells(scores: Scores) -> list[str]:
    return [*(f"{scores[measure]:.1f}" for measure in MEASURES), f"{judged([scores]):.1f}"]


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
