"""The page for people: whole, self-contained, in both languages."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from client.analysis.counting import CountConfig, count
from client.analysis.places import Places
from client.analysis.report import ReportInput, report_html, write_report
from client.analysis.texts import TEXTS, Language
from mot.errors import MotError
from mot.sequence import MotRows
from tests.client.analysis.walks import walks, way

ROWS = walks({1: way((200, 245), (200, 355)), 2: dict(enumerate(way((150, 355), (150, 245)), start=30))})


def about(rows: MotRows = ROWS, *, name: str = "street", frame: np.ndarray | None = None) -> ReportInput:
    zones = [
        {"name": "hall", "points": [[100, 300], [300, 300], [300, 450], [100, 450]]},
        {"name": "far", "points": [[100, 100], [300, 100], [300, 280], [100, 280]]},
    ]
    line = {"name": "<door>", "points": [[100, 300], [300, 300]], "in": "enter"}
    places = Places.parse({"width": 640, "height": 480, "lines": [line], "zones": zones})
    config = CountConfig(interval=2)
    counts = count(rows, places, frame_rate=10, config=config)
    settings = {"tracker": "botsort"}
    return ReportInput(
        name=name, rows=rows, places=places, counts=counts, config=config, frame=frame, settings=settings
    )


class _Page(HTMLParser):
    """Texts of cells and headings, and everything that a page could fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings, self.cells, self.links, self._tags, self.language = [], [], [], [""], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.language = values.get("lang") or self.language
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in ("meta", "image", "path", "line", "circle", "polyline", "polygon"):
            self._tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._tags[-1]:
            self._tags.pop()

    def handle_data(self, data: str) -> None:
        if self._tags[-1] in ("h1", "h2"):
            self.headings.append(data)
        if self._tags[-1] in ("td", "th", "b"):
            self.cells.append(data)


@pytest.mark.parametrize("language", list(TEXTS))
def test_headings_are_in_the_language_asked_for(language: Language) -> None:
    text, page = TEXTS[language], _Page(report_html(about(), language))
    assert page.language == text.code
    assert page.headings[0] == text.title.format(name="street")
    for heading in (text.lines, text.zones, text.journeys, text.people_over_time, text.heat_map, text.trajectories):
        assert heading in page.headings
    assert page.headings[-2:] == [text.tracks, text.settings]


def test_numbers_names_and_settings_stand_in_it() -> None:
    page = _Page(report_html(about()))
    assert page.cells[:5] == ["2", "1", "0.6", "0:04", "1 / 1"]
    at = page.cells.index("<door>")
    assert page.cells[at : at + 5] == ["<door>", "1 (enter)", "1", "2", "2"]
    assert page.cells[page.cells.index("tracker") + 1] == "botsort"


def test_it_needs_no_other_file() -> None:
    page = _Page(report_html(about(frame=np.full((480, 640, 3), 90, np.uint8))))
    assert len(page.links) == 2 and all(link.startswith("data:image/jpeg;base64,") for link in page.links)
    assert "<script" not in report_html(about()) and "url(" not in report_html(about())


def test_a_name_with_markup_and_emoji_is_text() -> None:
    name = '<script>alert("1")</script> & 😀'
    text = report_html(about(name=name))
    assert "<script" not in text and _Page(text).headings[0].startswith("People in <script>")


def test_nobody_is_said() -> None:
    text = report_html(about(walks({})))
    assert "Nobody was found in this video." in text
    assert TEXTS["en"].tracks not in _Page(text).headings


def test_a_frame_of_another_size_moves_ways_and_lines_with_it() -> None:
    small = report_html(about(frame=np.full((240, 320, 3), 90, np.uint8)))
    assert 'viewBox="0 0 320 240"' in small
    assert 'points="100,122 100,178"' in small, "the way of the first person, half as large"
    assert 'class="line" points="50,150 150,150"' in small


def test_a_long_table_is_cut_to_those_who_stayed() -> None:
    rows = walks({id: [(10.0 * (id % 50), 100.0)] * (1 + (id == 600)) for id in range(1, 701)})
    text = report_html(about(rows))
    assert "The 500 who stayed longest, of 700." in text
    assert "600" in _Page(text).cells and "699" not in _Page(text).cells


def test_it_appears_whole_or_says_why_not(tmp_path: Path) -> None:
    write_report(tmp_path / "new" / "page.html", about(), "zh")
    assert (tmp_path / "new" / "page.html").read_text(encoding="utf-8").endswith("</body></html>\n")
    (tmp_path / "file").touch()
    with pytest.raises(MotError, match=r"page\.html: cannot be written"):
        write_report(tmp_path / "file" / "page.html", about())
