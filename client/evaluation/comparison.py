"""Two results side by side: what got better, and which frames broke."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from client.evaluation.measures import MEASURES, Evaluation, Measure, Score
from client.evaluation.pair import EvaluationError
from client.evaluation.stretch import Stretch, find_stretches


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A result A and the result B that it is held against, scored on the same frames."""

    a: Evaluation
    b: Evaluation
    broke: tuple[Stretch, ...]  # mistakes of A that B does not make, the worst stretch first
    mended: tuple[Stretch, ...]  # mistakes of B that A does not make

    @property
    def scores(self) -> list[tuple[Score, Score]]:
        """A's and B's of each sequence and, where there are several, of all together."""
        pairs = list(zip(self.a.sequences, self.b.sequences, strict=True))
        return pairs if len(pairs) == 1 else [*pairs, (self.a.combined, self.b.combined)]

    def to_json(self, *, errors: bool = False) -> str:
        """Both evaluations, A − B of every measure, and all stretches."""
        document = {
            "result": self.a.document(errors=errors),
            "against": self.b.document(errors=errors),
            "difference": {a.name: _differences(a, b) for a, b in (*self.scores, (self.a.combined, self.b.combined))},
            "broke": [_record(stretch) for stretch in self.broke],
            "mended": [_record(stretch) for stretch in self.mended],
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def compare(a: Evaluation, b: Evaluation, most: int) -> Comparison:
    """Hold A against B; at most ``most`` stretches a sequence and side.

    Raises:
        EvaluationError: they are not of the same sequences; the message names those that only one has.
    """
    names = [{score.name for score in evaluation.sequences} for evaluation in (a, b)]
    if names[0] != names[1]:
        sides = ((names[0] - names[1], "the result"), (names[1] - names[0], "what it is held against"))
        only = "; ".join(f"only {side} has {', '.join(sorted(some))}" for some, side in sides if some)
        raise EvaluationError(f"the results are of different sequences: {only}; name common ones in a --seqmap")
    broke = [s for name in a.mistakes for s in find_stretches(name, a.mistakes[name], b.mistakes[name], most)]
    mended = [s for name in a.mistakes for s in find_stretches(name, b.mistakes[name], a.mistakes[name], most)]
    return Comparison(a=a, b=b, broke=_worst_first(broke), mended=_worst_first(mended))


def signed_difference(measure: Measure, a: Score, b: Score) -> tuple[str, Literal["better", "worse", ""]]:
    """A − B for people, and what it means; no sign where they are shown as equal."""
    difference = a[measure.name] - b[measure.name]
    text = measure.format(abs(difference))
    if text == measure.format(0):
        return text, ""
    better = (difference > 0) == (measure.better == "higher")
    return ("+" if difference > 0 else "−") + text, "better" if better else "worse"


def _differences(a: Score, b: Score) -> dict[str, float | None]:
    """A − B by measure; None where either is unknown."""
    pairs = {measure.name: (a.values[measure.name], b.values[measure.name]) for measure in MEASURES}
    return {name: None if x is None or y is None else x - y for name, (x, y) in pairs.items()}


def _worst_first(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    return tuple(sorted(stretches, key=lambda stretch: -stretch.mistakes))


def _record(stretch: Stretch) -> dict[str, object]:
    return {**asdict(stretch), "mistakes": stretch.mistakes}
