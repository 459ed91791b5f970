"""The table that ``mot-export`` prints of a comparison."""

from __future__ import annotations

from rich.table import Table

from export.parity import ROUNDINGS, Comparison, Difference


def parity_table(comparison: Comparison) -> Table:
    """A line for the people and one for the faint rows of each batch size, and what they are held against."""
    limits = comparison.limits
    table = Table(title="PyTorch against ONNX Runtime, largest difference")
    table.add_column("")
    for column in ("batch", "rows", "boxes [px]", "scores", "embeddings", ""):
        table.add_column(column, justify="right")

    def add(title: str, batch: int, difference: Difference, verdict: str) -> None:
        numbers = (difference.boxes, difference.scores, difference.embeddings)
        table.add_row(title, str(batch), str(difference.rows), *(f"{number:.2g}" for number in numbers), verdict)

    for r in comparison.results:
        add(f"score {limits.confident:g} and more", r.batch, r.confident, _verdict(r.confident.within(limits)))
        if limits.floor < limits.confident:
            title = "fainter" if r.rounding is None else "fainter, from float64"
            add(title, r.batch, r.faint, _verdict(r.faint.within(limits, r.rounding)))
        if r.rounding is not None:
            add("PyTorch's own float32 there", r.batch, r.rounding, f"{ROUNDINGS}x allowed")
    table.add_row("limit", "", "", f"{limits.boxes:g}", f"{limits.scores:g}", f"{limits.embeddings:g}", "")
    return table


def _verdict(agrees: bool) -> str:
    return "ok" if agrees else "differs"
