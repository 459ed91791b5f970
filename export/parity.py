"""How far ONNX Runtime's rows may be from PyTorch's, and how far they were found to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mot.errors import MotError

# A faint row may be so many times as far from float64 as PyTorch's own float32 is at worst. Where the network sees
# next to nothing its logits are differences of large numbers, and either program's rounding shows in pixels.
ROUNDINGS = 3


class ParityError(MotError):
    """The exported graph and PyTorch differ by more than allowed, or nothing was there to compare."""

    def __init__(self, message: str, comparison: Comparison) -> None:
        super().__init__(message)
        self.comparison = comparison


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Largest differences allowed; by default those of fp32."""

    boxes: float = 0.01  # pixels
    scores: float = 1e-4
    embeddings: float = 1e-4
    confident: float = 0.1  # rows of this score or more are people, judged strictly: no tracker uses fainter ones
    floor: float = 1e-3  # rows of less are peaks of nothing, not compared


# Half precision has 11 bits. A faint peak may move to a neighbouring cell, so only people are compared of whom the
# network is sure enough that a tracker may use them.
LIMITS = {"fp32": Limits(), "fp16": Limits(boxes=0.5, scores=0.01, embeddings=0.02, floor=0.1)}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Largest differences over ``rows`` compared rows."""

    rows: int = 0
    boxes: float = 0.0  # pixels
    scores: float = 0.0
    embeddings: float = 0.0

    def within(self, limits: Limits, rounding: Difference | None = None) -> bool:
        """Whether all are allowed, be it for the limits' sake or for PyTorch's own rounding's."""
        own = rounding or Difference()
        return (
            self.boxes <= max(limits.boxes, ROUNDINGS * own.boxes)
            and self.scores <= max(limits.scores, ROUNDINGS * own.scores)
            and self.embeddings <= max(limits.embeddings, ROUNDINGS * own.embeddings)
        )

    def __or__(self, other: Difference) -> Difference:
        """Of both sets of rows together; a NaN stays."""
        return Difference(
            rows=self.rows + other.rows,
            boxes=_worse(self.boxes, other.boxes),
            scores=_worse(self.scores, other.scores),
            embeddings=_worse(self.embeddings, other.embeddings),
        )


@dataclass(frozen=True, kw_only=True)
class Parity:
    """What was found at one batch size."""

    batch: int
    confident: Difference  # ONNX Runtime from PyTorch, of people
    faint: Difference  # the same of faint rows; from float64 where ``rounding`` is there
    rounding: Difference | None = None  # PyTorch's float32 from float64, of faint rows; None: not needed

    def within(self, limits: Limits) -> bool:
        """Whether both kinds of rows are."""
        return self.confident.within(limits) and self.faint.within(limits, self.rounding)

    @property
    def rows(self) -> int:
        """Rows compared."""
        return self.confident.rows + self.faint.rows


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was found at all batch sizes, and what it is held against."""

    results: Sequence[Parity]
    limits: Limits

    def require(self, graph: Path) -> None:
        """Do nothing where the graph agrees.

        Raises:
            ParityError: it does not, or nothing was compared; ``graph`` is for the message.
        """
        limits = self.limits
        for r in self.results:
            if not r.within(limits):
                who, worst = ("people", r.confident) if not r.confident.within(limits) else ("faint rows", r.faint)
                raise ParityError(
                    f"{graph}: ONNX Runtime differs from PyTorch at batch {r.batch}, {who}: boxes {worst.boxes:.3g} px "
                    f"(limit {limits.boxes:g}), scores {worst.scores:.3g} ({limits.scores:g}), "
                    f"embeddings {worst.embeddings:.3g} ({limits.embeddings:g}); it was not written",
                    self,
                )
        if not any(r.rows for r in self.results):
            raise ParityError(f"{graph}: no image gave a score to compare; pass real images with --image", self)


def _worse(a: float, b: float) -> float:
    return a if a >= b or a != a else b
