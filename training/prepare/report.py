"""What ``mot-train data check`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from training.data.labels import PERSON
from training.prepare.check import EDGES, Fault, SetReport


def overview(reports: Sequence[SetReport]) -> Table:
    """What each data set and split holds, and how many errors and warnings."""
    table = _table("what there is", ("images", "empty", "people", "ignored", "ids", "errors", "warned"))
    for report in reports:
        labels = [inspection.labels for inspection in report.inspections]
        people = sum(int((rows[:, 0] == PERSON).sum()) for rows in labels)
        faults = report.all_faults()
        errors = sum(fault.error for fault in faults)
        numbers = (
            len(labels),
            sum(len(rows) == 0 for rows in labels),
            people,
            sum(map(len, labels)) - people,
            len(report.identities()),
        )
        styled = Text(str(errors), "red" if errors else "")
        table.add_row(_title(report), *map(str, numbers), styled, str(len(faults) - errors))
    return table


def height_histogram(reports: Sequence[SetReport]) -> Table:
    """How many people each data set and split has by height."""
    classes = [f"<{edge}" for edge in EDGES[1:]] + [f"≥{EDGES[-1]}"]
    table = _table("people by height, pixels of the original image", classes)
    for report in reports:
        table.add_row(_title(report), *map(str, report.heights()))
    return table


def fault_lines(faults: Sequence[Fault], limit: int) -> Iterator[Text]:
    """The first faults as lines ``kind: FILE:LINE: message``, and how many more there are."""
    for fault in faults[:limit]:
        kind = ("error: ", "bold red") if fault.error else ("warning: ", "yellow")
        yield Text.assemble(kind, f"{fault.where}: {fault.message}")
    if len(faults) > limit:
        yield Text(f"... and {len(faults) - limit} more; --limit 0 prints all")


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table("data set", title=title, show_edge=False)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _title(report: SetReport) -> str:
    return report.name if report.split == "train" else f"{report.name} ({report.split})"
