"""Figures: well-formed, of bounded size, with readable ticks."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from client.analysis.counting import Clock
from client.analysis.figures import clock_text, curve, drawn_places, picture, ways
from client.analysis.heat import blank
from client.analysis.places import Places
from client.analysis.trajectories import trajectories
from tests.client.analysis.walks import walks, way


def ticks(figure: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(figure).iter("text")]


def test_curve_has_ticks_of_people_and_time() -> None:
    values = np.array([0, 3, 7, 7, 2] * 60)
    shown = ticks(curve(values, Clock(frame_rate=10, length=300, interval=60), "people"))
    assert shown == ["0", "2", "4", "6", "0:00", "0:05", "0:10", "0:15", "0:20", "0:25", "0:30"]


@pytest.mark.parametrize("length", [0, 1, 2_000_000])
def test_curve_of_any_length_is_small(length: int) -> None:
    figure = curve(np.ones(length, np.int64), Clock(frame_rate=25, length=length, interval=60), "people")
    assert len(figure) < 40_000
    ElementTree.fromstring(figure)


def test_a_peak_of_one_frame_in_a_long_video_is_shown() -> None:
    values = np.zeros(100_000, np.int64)
    values[77_777] = 9
    assert "V10.0" in curve(values, Clock(frame_rate=25, length=100_000, interval=60), "people")


def test_names_with_markup_are_text() -> None:
    name = '<b onload="x">&"'
    places = Places.parse({"width": 64, "height": 48, "lines": [{"name": name, "points": [[0, 9], [40, 9]]}]})
    figure = picture(blank(64, 48), name, drawn_places(places, 1))
    root = ElementTree.fromstring(figure)
    assert [each.text for each in root.iter("text")] == [name] and root.get("aria-label") == name


def test_the_arrow_points_in() -> None:
    """In of a line from left to right is down."""
    places = Places.parse({"width": 64, "height": 48, "lines": [{"name": "a", "points": [[0, 20], [40, 20]]}]})
    [arrow] = [part for part in drawn_places(places, 1) if "arrow" in part]
    assert 'points="16,20 24,20 20,28"' in arrow


def test_a_way_has_its_id_and_ends_with_a_dot() -> None:
    [drawn] = ways(trajectories(walks({12: way((0, 0), (50, 30))})), 2)
    assert "<title>12</title>" in drawn and 'cx="50" cy="30"' in drawn


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (67.4, "1:07"), (3723, "1:02:03"), (59.6, "1:00")])
def test_time_as_players_write_it(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text
