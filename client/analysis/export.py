"""Counts and tracks as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from client.analysis.counting import Counts, LineCount, ZoneCount, over_intervals
from client.analysis.track_table import TrackTable
from mot.errors import MotError
from mot.files import whole_file

_Row = tuple[Any, ...]
INTERVALS = ("result", "kind", "name", "measure", "from_s", "to_s", "value")
EVENTS = ("result", "kind", "name", "event", "id", "frame", "time_s", "x", "y")


def counts_json(counts: Mapping[str, Counts], tracks: Mapping[str, TrackTable] | None = None) -> str:
    """All of several results' counts, and their tables of tracks where given, by the results' names."""
    document = {name: _document(each, (tracks or {}).get(name)) for name, each in counts.items()}
    return json.dumps({"results": document}, indent=1, ensure_ascii=False) + "\n"


def counts_csv(counts: Mapping[str, Counts]) -> str:
    """One row a number: what was counted at a line or in a zone, or in the whole picture, in an interval."""
    rows = (
        (result, *place, measure, *_rounded(each.clock.bounds(number)), value)
        for result, each in counts.items()
        for place, measures in _measures(each)
        for measure, values in measures.items()
        for number, value in enumerate(np.round(values, 3).tolist())
    )
    return csv_text(INTERVALS, rows)


def events_csv(counts: Mapping[str, Counts]) -> str:
    """One row an event: a crossing of a line, or the begin or end of a visit to a zone; by result, place and time."""
    rows = ((result, *event) for result, each in counts.items() for event in _events(each))
    return csv_text(EVENTS, rows)


def tracks_csv(tracks: Mapping[str, TrackTable]) -> str:
    """One row a person."""
    records = [{"result": result, **record} for result, table in tracks.items() for record in table.records()]
    header = ("result", *_track_columns())
    return csv_text(header, (tuple(record.values()) for record in records))


def csv_text(header: Sequence[str], rows: Iterable[_Row]) -> str:
    """CSV as RFC 4180 has it, but for line ends; names that a spreadsheet would take for formulas are quoted by it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return text.getvalue()


def save(path: Path, content: str | bytes) -> None:
    """Write a file; it appears whole or not at all.

    Raises:
        MotError: it cannot be written.
    """
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise MotError(f"{path}: cannot be written: {error.strerror}; choose another file") from error


def _plain(cell: Any) -> Any:
    """A text that begins like a formula gets an apostrophe: names of lines come from whoever drew them."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _document(counts: Counts, tracks: TrackTable | None) -> dict[str, Any]:
    clock = counts.clock
    mean, most = over_intervals(counts.people, clock)
    zones = [zone.zone.name for zone in counts.zones]
    document: dict[str, Any] = {
        "frame_rate": clock.frame_rate,
        "frames": clock.length,
        "interval_s": clock.interval,
        "people": {"mean": _list(mean), "max": most.tolist()},
        "lines": [_line(line) for line in counts.lines],
        "zones": [_zone(zone) for zone in counts.zones],
        "origin_destination": {"zones": zones, "people": counts.journeys.tolist(), "moves": counts.moves.tolist()},
    }
    return document | ({"tracks": tracks.records()} if tracks is not None else {})


def _line(count: LineCount) -> dict[str, Any]:
    entering, leaving = count.per_interval()
    return {
        "name": count.line.name,
        "labels": {"in": count.line.label_in, "out": count.line.label_out},
        "in": count.total_in,
        "out": count.total_out,
        "people": count.people,
        "per_interval": {"in": entering.tolist(), "out": leaving.tolist()},
        "events": [dict(zip(EVENTS[3:], event[2:], strict=True)) for event in _line_events(count)],
    }


def _zone(count: ZoneCount) -> dict[str, Any]:
    entries, exits, mean, most = count.per_interval()
    visits = count.visits
    ids, seconds = count.dwell_per_person
    return {
        "name": count.zone.name,
        "entries": count.entries,
        "exits": count.exits,
        "people": count.people,
        "dwell_s": dwell_summary(count.dwell),
        "per_interval": {
            "entries": entries.tolist(),
            "exits": exits.tolist(),
            "occupancy_mean": _list(mean),
            "occupancy_max": most.tolist(),
        },
        "visits": [
            {"id": id, "first_frame": first, "last_frame": last, "dwell_s": dwell, "entered": entered, "left": left}
            for id, first, last, dwell, entered, left in zip(
                visits.ids.tolist(),
                visits.first.tolist(),
                visits.last.tolist(),
                _list(count.dwell),
                visits.entered.tolist(),
                visits.left.tolist(),
                strict=True,
            )
        ],
        "dwell_per_person_s": dict(zip(map(str, ids.tolist()), _list(seconds), strict=True)),
    }


def dwell_summary(seconds: npt.NDArray[np.float64]) -> dict[str, float | None]:
    """Mean, median and longest, seconds; None where nobody was there."""
    if not len(seconds):
        return {"mean": None, "median": None, "max": None}
    values = {"mean": seconds.mean(), "median": np.median(seconds), "max": seconds.max()}
    return {name: round(float(value), 3) for name, value in values.items()}


def _measures(counts: Counts) -> Iterable[tuple[tuple[str, str], dict[str, Any]]]:
    mean, most = over_intervals(counts.people, counts.clock)
    yield ("picture", ""), {"people_mean": mean, "people_max": most}
    for line in counts.lines:
        yield ("line", line.line.name), dict(zip(("in", "out"), line.per_interval(), strict=True))
    for zone in counts.zones:
        names = ("entries", "exits", "occupancy_mean", "occupancy_max")
        yield ("zone", zone.zone.name), dict(zip(names, zone.per_interval(), strict=True))


def _events(counts: Counts) -> Iterable[_Row]:
    for line in counts.lines:
        yield from _line_events(line)
    for zone in counts.zones:
        visits, name = zone.visits, zone.zone.name
        begun = np.where(visits.entered, "entered", "appeared").tolist()
        ended = np.where(visits.left, "left", "vanished").tolist()
        events = [
            ("zone", name, event, id, frame, round(float(zone.clock.seconds(np.array(frame))), 3), "", "")
            for frames, names in ((visits.first, begun), (visits.last, ended))
            for event, id, frame in zip(names, visits.ids.tolist(), frames.tolist(), strict=True)
        ]
        yield from sorted(events, key=lambda event: (event[4], event[3]))


def _line_events(count: LineCount) -> list[_Row]:
    found = count.crossings
    return [
        ("line", count.line.name, "in" if direction > 0 else "out", id, frame, time, round(x, 1), round(y, 1))
        for direction, id, frame, time, (x, y) in zip(
            found.directions.tolist(),
            found.ids.tolist(),
            found.frames.tolist(),
            _list(count.clock.seconds(found.frames)),
            found.points.tolist(),
            strict=True,
        )
    ]


def _track_columns() -> Sequence[str]:
    return (
        "id",
        "first_frame",
        "last_frame",
        "begin_s",
        "duration_s",
        "boxes",
        "path_px",
        "path_heights",
        "mean_score",
    )


def _rounded(bounds: tuple[float, float]) -> tuple[float, float]:
    return round(bounds[0], 3), round(bounds[1], 3)


def _list(values: npt.NDArray[np.float64]) -> list[float]:
    return [round(value, 3) for value in values.tolist()]
