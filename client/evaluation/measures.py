"""The twenty measures of the MOTChallenge page, and a report of them as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from client.evaluation.errors import Errors, join
from client.evaluation.mistakes import Mistakes

CURVES = ("HOTA", "DetA", "AssA")  # measures that depend on how much boxes must overlap to match
ALPHAS = tuple(step / 20 for step in range(1, 20))  # that overlap (IoU), as TrackEval's HOTA steps through it


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One column of the report."""

    name: str  # as MOTChallenge writes it
    unit: Literal["%", "count", "number"]  # % is 0..100, though MOTA may be negative
    better: Literal["higher", "lower"]

    def format(self, value: float | None) -> str:
        """For people: one decimal for per cents, ``-`` for what is unknown."""
        if value is None:
            return "-"
        return {"%": f"{value:.1f}", "count": f"{value:.0f}", "number": f"{value:.2f}"}[self.unit]


MEASURES = (
    Measure(name="MOTA", unit="%", better="higher"),
    Measure(name="IDF1", unit="%", better="higher"),
    Measure(name="HOTA", unit="%", better="higher"),
    Measure(name="MT", unit="count", better="higher"),
    Measure(name="ML", unit="count", better="lower"),
    Measure(name="FP", unit="count", better="lower"),
    Measure(name="FN", unit="count", better="lower"),
    Measure(name="Rcll", unit="%", better="higher"),
    Measure(name="Prcn", unit="%", better="higher"),
    Measure(name="AssA", unit="%", better="higher"),
    Measure(name="DetA", unit="%", better="higher"),
    Measure(name="AssRe", unit="%", better="higher"),
    Measure(name="AssPr", unit="%", better="higher"),
    Measure(name="DetRe", unit="%", better="higher"),
    Measure(name="DetPr", unit="%", better="higher"),
    Measure(name="LocA", unit="%", better="higher"),
    Measure(name="FAF", unit="number", better="lower"),  # false positives per frame
    Measure(name="ID Sw.", unit="count", better="lower"),
    Measure(name="Frag", unit="count", better="lower"),
    Measure(name="Hz", unit="number", better="higher"),  # frames per second, as the caller measured them
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """The measures of one sequence, or of all together."""

    name: str
    frames: int
    values: Mapping[str, float | None]  # by Measure.name; None where unknown (Hz)
    curves: Mapping[str, tuple[float, ...]]  # by name of CURVES: per cents, one for each of ALPHAS

    def __getitem__(self, measure: str) -> float:
        """The value of a measure that is known."""
        value = self.values[measure]
        if value is None:
            raise KeyError(f"{measure} of {self.name} is unknown")
        return value


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What an evaluation found."""

    benchmark: str
    sequences: tuple[Score, ...]
    combined: Score
    warnings: tuple[str, ...]  # for people: what makes these figures questionable
    renumbered: tuple[str, ...]  # sequences whose results were taken to count from 1 where the scored frames begin
    mistakes: Mapping[str, Mistakes]  # by sequence
    errors: Mapping[str, Errors]  # by sequence

    def document(self, *, errors: bool = False) -> dict[str, Any]:
        """Unrounded values, for JSON; None where unknown. With ``errors`` these, too, by cause."""
        document: dict[str, Any] = {
            "benchmark": self.benchmark,
            "sequences": {score.name: _record(score) for score in self.sequences},
            "combined": _record(self.combined),
            "warnings": list(self.warnings),
            "renumbered": list(self.renumbered),
        }
        if errors:
            counts = {name: one.document() for name, one in self.errors.items()}
            document["errors"] = {"sequences": counts, "combined": join(list(self.errors.values())).document()}
        return document

    def to_json(self, *, errors: bool = False) -> str:
        """The document; ``null`` where unknown."""
        return json.dumps(self.document(errors=errors), indent=2, ensure_ascii=False) + "\n"

    def to_csv(self) -> str:
        """A header, a line for each sequence and one for all together; empty cells where unknown."""
        text = io.StringIO()
        writer = csv.DictWriter(text, ["Sequence", *_record(self.combined)], lineterminator="\n")
        writer.writeheader()
        for score in (*self.sequences, self.combined):
            writer.writerow({"Sequence": score.name, **_record(score)})
        return text.getvalue()


def _record(score: Score) -> dict[str, float | None]:
    return {"Frames": score.frames, **{measure.name: score.values[measure.name] for measure in MEASURES}}
