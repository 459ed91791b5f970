"""One HTML file about a video: counts, people over time, where they were and who; needs no other file, prints well."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from client.analysis.counting import CountConfig, Counts
from client.analysis.export import dwell_summary, save
from client.analysis.figures import clock_text, curve, drawn_places, picture, ways
from client.analysis.heat import Image, blank, draw_heat, heat_map
from client.analysis.places import Places
from client.analysis.texts import TEXTS, Language, Texts
from client.analysis.track_table import TrackTable, track_table
from client.analysis.trajectories import trajectories
from mot.sequence import MotRows

_MOST_TRACKS = 500  # in the table
_FINE = 0.02  # heights of a person: what an eye can tell of a way
_MOST_INTERVALS = 96  # in the table of a line
_STYLE = """
:root { color-scheme: light; --ink: #1c2330; --soft: #667085; --rule: #e2e5ea; --accent: #2f6fde }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; color: var(--ink);
  margin: 2.5em auto; max-width: 64em; padding: 0 1.5em }
h1 { font-size: 1.9em; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.2em; margin: 2.2em 0 .6em; break-after: avoid }
p.note, .created { color: var(--soft); margin: .3em 0 1em }
.tiles { display: flex; flex-wrap: wrap; gap: .8em; margin: 1.5em 0 }
.tile { border: 1px solid var(--rule); border-radius: .6em; padding: .7em 1.1em; min-width: 8em }
.tile b { display: block; font-size: 1.7em; line-height: 1.2; font-variant-numeric: tabular-nums }
.tile span { color: var(--soft); font-size: .9em }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid var(--rule) }
th { font-weight: 600; color: var(--soft) } th:first-child, td:first-child { text-align: left; padding-left: 0 }
tr { break-inside: avoid } thead { display: table-header-group }
figure { margin: 0; break-inside: avoid } svg { width: 100%; height: auto; display: block }
.area { fill: var(--accent); fill-opacity: .25; stroke: var(--accent); stroke-width: 1 }
.grid { stroke: var(--rule) } .tick { font-size: 12px; fill: var(--soft) }
.line { fill: none; stroke: #ffd400 } .arrow { fill: #ffd400 }
.zone { fill: #ffd400; fill-opacity: .15; stroke: #ffd400 }
.name { fill: #fff; stroke: #000; stroke-width: .25em; paint-order: stroke; font-weight: 600 }
@page { margin: 15mm } @media print { body { margin: 0; max-width: none; padding: 0; font-size: 10pt }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
"""


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """What a report is about."""

    name: str  # of the video
    rows: MotRows  # its result; boxes in pixels of the picture that ``places`` are drawn on
    places: Places
    counts: Counts
    config: CountConfig
    frame: Image | None = None  # (H, W, 3) RGB, one of its frames; of any size
    settings: Mapping[str, str] = field(default_factory=dict)  # how it was tracked, to be listed as they are


def write_report(path: Path, about: ReportInput, language: Language = "en") -> None:
    """Write the report; the file appears whole or not at all.

    Raises:
        MotError: it cannot be written.
    """
    save(path, report_html(about, language))


def report_html(about: ReportInput, language: Language = "en") -> str:
    """The report as a page."""
    text = TEXTS[language]
    table = track_table(about.rows, about.counts.clock.frame_rate)
    title = escape(text.title.format(name=about.name))
    today = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    parts = [
        f'<h1>{title}</h1>\n<p class="created">{escape(text.created.format(date=today))}</p>',
        _summary(about, table, text),
        *([] if len(table) else [f"<p>{escape(text.nobody)}</p>"]),
        *_counts(about.counts, text),
        _section(text.people_over_time, curve(about.counts.people, about.counts.clock, text.people_over_time)),
        *_pictures(about, text),
        *([_tracks(table, text)] if len(table) else []),
        _settings(about, text),
    ]
    return (
        f'<!doctype html>\n<html lang="{text.code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _summary(about: ReportInput, table: TrackTable, text: Texts) -> str:
    people = about.counts.people
    tiles = [
        (text.people, str(len(table))),
        (text.most_people, str(int(people.max(initial=0)))),
        (text.mean_people, f"{people.mean() if len(people) else 0:.1f}"),
        (text.duration, clock_text(about.counts.clock.length / about.counts.clock.frame_rate)),
    ]
    for count in about.counts.lines:
        tiles.append((f"{count.line.name}: {text.entering} / {text.leaving}", f"{count.total_in} / {count.total_out}"))
    inner = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for name, value in tiles
    )
    return f'<div class="tiles">{inner}</div>'


def _counts(counts: Counts, text: Texts) -> list[str]:
    parts = []
    if counts.lines:
        header = [text.line, text.entering, text.leaving, text.both_ways, text.different_people]
        rows = [
            [
                c.line.name,
                _labelled(c.total_in, c.line.label_in, "in"),
                _labelled(c.total_out, c.line.label_out, "out"),
                str(len(c.crossings)),
                str(c.people),
            ]
            for c in counts.lines
        ]
        note = f'<p class="note">{escape(text.how_counted)}</p>'
        parts.append(_section(text.lines, note + _table(header, rows)))
        if 1 < counts.clock.intervals <= _MOST_INTERVALS:
            parts.append(_section(f"{text.lines}: {text.over_time}", _line_intervals(counts, text)))
    if counts.zones:
        header = [text.zone, text.entries, text.exits, text.different_people, text.most_inside]
        header += [text.mean_dwell, text.median_dwell, text.longest_dwell]
        rows = []
        for c in counts.zones:
            stays = [
                "–" if value is None else text.seconds.format(value=f"{value:.1f}")
                for value in dwell_summary(c.dwell).values()
            ]
            most = int(c.occupancy.max(initial=0))
            rows.append([c.zone.name, *map(str, (c.entries, c.exits, c.people, most)), *stays])
        parts.append(_section(text.zones, _table(header, rows)))
    if len(counts.zones) > 1:
        names = [c.zone.name for c in counts.zones]
        rows = [[name, *map(str, line)] for name, line in zip(names, counts.journeys.tolist(), strict=True)]
        note = f'<p class="note">{escape(text.journeys_note)}</p>'
        parts.append(_section(text.journeys, note + _table([text.from_zone, *names], rows)))
    return parts


def _labelled(count: int, label: str, default: str) -> str:
    """``12 (to the street)``."""
    return str(count) if label == default else f"{count} ({label})"


def _line_intervals(counts: Counts, text: Texts) -> str:
    header = [text.time] + [f"{c.line.name}: {way}" for c in counts.lines for way in (text.entering, text.leaving)]
    columns = [column.tolist() for c in counts.lines for column in c.per_interval()]
    rows = []
    for number, values in enumerate(zip(*columns, strict=True)):
        begin, end = map(clock_text, counts.clock.bounds(number))
        rows.append([text.from_to.format(begin=begin, end=end), *map(str, values)])
    return _table(header, rows)


def _pictures(about: ReportInput, text: Texts) -> list[str]:
    places = about.places
    ground = about.frame if about.frame is not None else blank(places.width, places.height)
    height, width = ground.shape[:2]
    rows, places = about.rows, places.scaled(width, height)
    if width != about.places.width:
        rows = _scaled(rows, width / about.places.width, height / about.places.height)
    unit = max(1.0, height / 360)
    marks = list(drawn_places(places, unit))
    heat = draw_heat(ground, heat_map(rows, width, height))
    return [
        _section(text.heat_map, picture(heat, text.heat_map, marks), text.heat_note),
        _section(
            text.trajectories,
            picture(ground, text.trajectories, [*ways(trajectories(rows, _FINE), unit), *marks]),
            text.trajectories_note,
        ),
    ]


def _scaled(rows: MotRows, x: float, y: float) -> MotRows:
    return dataclasses.replace(rows, boxes=rows.boxes * np.array([x, y, x, y]))


def _tracks(table: TrackTable, text: Texts) -> str:
    note = ""
    if len(table) > _MOST_TRACKS:
        longest = np.argsort(-table.duration, kind="stable")[:_MOST_TRACKS]
        note = text.more_tracks.format(shown=_MOST_TRACKS, all=len(table))
        table = table[np.sort(longest)]
    header = ["ID", text.first_seen, text.last_seen, text.duration, text.path, text.path_heights, text.score]
    rows = [
        [
            str(row["id"]),
            clock_text(row["begin_s"]),
            clock_text(row["begin_s"] + row["duration_s"]),
            text.seconds.format(value=f"{row['duration_s']:.1f}"),
            f"{row['path_px']:.0f}",
            f"{row['path_heights']:.1f}",
            f"{row['mean_score']:.2f}",
        ]
        for row in table.records()
    ]
    return _section(text.tracks, _table(header, rows), note)


def _settings(about: ReportInput, text: Texts) -> str:
    clock, places, config = about.counts.clock, about.places, about.config
    listed = {
        text.video: about.name,
        text.frames: str(clock.length),
        text.frame_rate: f"{clock.frame_rate:g}",
        text.picture: f"{places.width} × {places.height}",
        text.hysteresis: f"{config.hysteresis:g}",
        text.max_gap: str(config.max_gap),
        text.interval: f"{config.interval:g}",
        **about.settings,
    }
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>\n" for name, value in listed.items())
    return _section(text.settings, f"<table>{rows}</table>")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _section(title: str, content: str, note: str = "") -> str:
    under = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>\n{under}<figure>{content}</figure></section>"
