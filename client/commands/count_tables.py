"""Counts for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from client.analysis.counting import Counts
from client.analysis.export import dwell_summary


def count_tables(counts: Mapping[str, Counts]) -> list[Table]:
    """Lines and zones of all results, and for each result with several zones who went from which to which."""
    tables = []
    if any(each.lines for each in counts.values()):
        tables.append(_lines(counts))
    if any(each.zones for each in counts.values()):
        tables.append(_zones(counts))
    tables += [_journeys(name, each) for name, each in counts.items() if len(each.zones) > 1]
    return tables


def _lines(counts: Mapping[str, Counts]) -> Table:
    table = _table("", "line", "in", "out", "people")
    for result, each in counts.items():
        for line in each.lines:
            names = escape(result), escape(line.line.name)
            table.add_row(*names, *map(str, (line.total_in, line.total_out, line.people)))
    return table


def _zones(counts: Mapping[str, Counts]) -> Table:
    table = _table("", "zone", "entries", "exits", "people", "most", "stay, s", "longest")
    for result, each in counts.items():
        for zone in each.zones:
            stay = dwell_summary(zone.dwell)
            numbers = (zone.entries, zone.exits, zone.people, int(zone.occupancy.max(initial=0)))
            stays = ("-" if stay[name] is None else f"{stay[name]:.1f}" for name in ("mean", "max"))
            table.add_row(escape(result), escape(zone.zone.name), *map(str, numbers), *stays)
    return table


def _journeys(result: str, counts: Counts) -> Table:
    names = [zone.zone.name for zone in counts.zones]
    table = _table(result, "first zone, then last:", *names)
    for name, people in zip(names, counts.journeys.tolist(), strict=True):
        table.add_row("", escape(name), *map(str, people))
    return table


def _table(*headers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    for number, header in enumerate(headers):
        table.add_column(escape(header), justify="left" if number < 2 else "right")
    return table
