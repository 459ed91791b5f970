"""Lines and zones on a frame, and what was counted there; every change counts at once."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from client.ui.page.fragments import fragment
from client.ui.page.parts import part
from client.ui.page.phrases import time_text
from client.ui.page.view import View
from client.ui.page.words import Words
from client.ui.results import Result
from client.ui.store.jobs import Job
from mot.errors import MotError

if TYPE_CHECKING:
    from client.analysis.counting import Counts
    from client.analysis.places import Places

_MOST_PLACES = 50


def show_counting(view: View, job: Job, result: Result, folder: str) -> None:
    """The drawing and the counts, apart from the rest of the page."""
    fragment(_show)(view, job, result, folder)


def _show(view: View, job: Job, result: Result, folder: str) -> None:
    words = view.words
    st.caption(words.count_note)
    width, height = result.size
    names = (
        *("draw_line", "draw_zone", "finish", "draw_line_hint", "draw_zone_hint", "line", "zone", "name", "delete"),
    )
    drawn = part(
        "places",
        f"places-{job.id}",
        {
            "source": f"{folder}/scene.jpg",
            "language": view.language,
            "width": width,
            "height": height,
            "places": to_drawing(result.places()),
            "words": view.named(*names),
        },
        on_places_change=lambda: None,
    )
    if drawn.places is not None:
        try:
            places = from_drawing(drawn.places["places"], width, height)
        except (MotError, KeyError, TypeError, ValueError) as error:
            st.error(str(error))
            return
        if places != result.places():
            from client.analysis.places import write_places

            try:
                write_places(result.places_path, places)
            except OSError:
                st.error(words.error_disk_full, icon=":material/error:")
                return
    show_counts(words, result.counts())


def to_drawing(places: Places) -> list[dict[str, Any]]:
    """As the drawing has them: points as parts of the picture's sides."""
    return [
        {
            "kind": kind,
            "name": place.name,
            "points": [[x / places.width, y / places.height] for x, y in place.points],
        }
        for kind, group in (("line", places.lines), ("zone", places.zones))
        for place in group
    ]


def from_drawing(drawn: Sequence[dict[str, Any]], width: int, height: int) -> Places:
    """Lines and zones in pixels.

    Raises:
        PlacesError: nobody could be counted there.
    """
    from client.analysis.places import Places

    values: dict[str, list[dict[str, Any]]] = {"line": [], "zone": []}
    for place in drawn[:_MOST_PLACES]:
        points = [(round(float(x) * width, 1), round(float(y) * height, 1)) for x, y in place["points"]]
        values[place["kind"]].append({"name": str(place["name"]), "points": points})
    return Places.parse({"width": width, "height": height, "lines": values["line"], "zones": values["zone"]})


def show_counts(words: Words, counts: Counts) -> None:
    """The tables."""
    from client.analysis.export import dwell_summary

    if not counts.lines and not counts.zones:
        st.info(words.no_places)
        return
    if counts.lines:
        header = [words.line, words.entering, words.leaving, words.crossed]
        _table(header, [[c.line.name, c.total_in, c.total_out, c.people] for c in counts.lines], "lines")
    if counts.zones:
        header = [words.zone, words.entries, words.exits, words.crossed, words.most_inside]
        rows: list[list[Any]] = []
        for zone in counts.zones:
            stay = dwell_summary(zone.dwell)
            stays = ["–" if stay[name] is None else time_text(stay[name] or 0) for name in ("mean", "max")]
            most = int(zone.occupancy.max(initial=0))
            rows.append([zone.zone.name, zone.entries, zone.exits, zone.people, most, *stays])
        _table([*header, words.mean_stay, words.longest_stay], rows, "zones")
    if len(counts.zones) > 1:
        names = [zone.zone.name for zone in counts.zones]
        note = f'<p class="mot-soft">{escape(words.from_to_note)}</p>'
        st.html(f'<div class="mot-step">{escape(words.from_to)}</div>{note}')
        matrix = [[name, *row] for name, row in zip(names, counts.journeys.tolist(), strict=True)]
        _table(["", *names], matrix, "journeys")


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]], kind: str) -> None:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    st.html(f'<div class="mot-table" data-kind="{kind}">{table}</div>')
