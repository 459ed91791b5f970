"""Figures as PNG files, and one HTML page with them and the tables, which needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from client.evaluation.comparison import Comparison, signed_difference
from client.evaluation.measures import MEASURES, Evaluation
from client.evaluation.plots import draw_figures
from client.evaluation.stretch import Stretch
from mot.errors import MotError
from mot.files import whole_file

_CAPTIONS = {
    "alpha": "How the scores fall as boxes must overlap more",
    "sequences": "Each sequence",
    "timeline": "Where it fails: people missed (up), false boxes (down), identity switches (marks)",
}
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 100em; padding: 0 1em }
figure { margin: 1em 0 } img { max-width: 100% } .wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2em .6em; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
.better { color: #080 } .worse { color: #b00 }
"""
_Cell = tuple[str, str]  # text, CSS class


def write_report(folder: Path, results: Mapping[str, Evaluation], comparison: Comparison | None = None) -> Path:
    """Write ``alpha.png``, ``sequences.png``, ``timeline.png`` and ``report.html``; returns the last.

    Args:
        results: one evaluation by its label, or two that are compared.

    Raises:
        MotError: the folder cannot be written.
    """
    figures: dict[str, bytes] = {}
    for name, figure in draw_figures(results).items():
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=100)
        figures[name] = image.getvalue()
    page = folder / "report.html"
    try:
        for name, data in figures.items():
            with whole_file(folder / f"{name}.png") as temporary:
                temporary.write_bytes(data)
        with whole_file(page) as temporary:
            temporary.write_text(_page(figures, results, comparison), encoding="utf-8")
    except OSError as error:
        raise MotError(f"{folder}: plots cannot be written: {error.strerror}; choose another folder") from error
    return page


def _page(figures: Mapping[str, bytes], results: Mapping[str, Evaluation], comparison: Comparison | None) -> str:
    parts = []
    for label, evaluation in results.items():
        parts.append(_section(f"{label}, {evaluation.benchmark} protocol", _scores(evaluation)))
    if comparison is not None:
        first, second = results
        parts.append(_section(f"{first} − {second}", _differences(comparison)))
        parts.append(_section(f"Broke: mistakes that only {first} makes", _stretches(comparison.broke)))
        parts.append(_section(f"Mended: mistakes that only {second} makes", _stretches(comparison.mended)))
    for name, data in figures.items():
        source = base64.b64encode(data).decode()
        parts.append(_section(_CAPTIONS[name], f'<img alt="{name}" src="data:image/png;base64,{source}">'))
    warnings = [warning for evaluation in results.values() for warning in evaluation.warnings]
    parts += [f"<p>warning: {escape(warning)}</p>" for warning in warnings]
    title = escape(" against ".join(results))
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>\n'
        f"<h1>{title}</h1>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _scores(evaluation: Evaluation) -> str:
    rows = [
        [(score.name, ""), *((measure.format(score.values[measure.name]), "") for measure in MEASURES)]
        for score in (*evaluation.sequences, evaluation.combined)
    ]
    return _table(["Sequence", *(measure.name for measure in MEASURES)], rows)


def _differences(comparison: Comparison) -> str:
    measures = [measure for measure in MEASURES if measure.name != "Hz"]
    rows = [[(a.name, ""), *(signed_difference(measure, a, b) for measure in measures)] for a, b in comparison.scores]
    return _table(["Sequence", *(measure.name for measure in measures)], rows)


def _stretches(stretches: Sequence[Stretch]) -> str:
    rows = [
        [
            (one.sequence, ""),
            (f"{one.first}–{one.last}", ""),
            *((str(count), "") for count in (one.mistakes, one.missed, one.false, one.switched)),
            (", ".join(map(str, one.people)), ""),
        ]
        for one in stretches
    ]
    return _table(["Sequence", "Frames", "Mistakes", "FN", "FP", "ID Sw.", "People"], rows)


def _table(headers: Sequence[str], rows: Sequence[Sequence[_Cell]]) -> str:
    head = "".join(f"<th>{escape(header)}</th>" for header in headers)
    body = "".join(
        "<tr>" + "".join(f'<td class="{kind}">{escape(text)}</td>' for text, kind in row) + "</tr>\n" for row in rows
    )
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _section(title: str, content: str) -> str:
    return f'<h2>{escape(title)}</h2>\n<div class="wide">{content}</div>'
