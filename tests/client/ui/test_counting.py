"""client.ui.page.counting: what is drawn on the page are the library's lines and zones."""

from __future__ import annotations

import pytest

from client.analysis.places import PlacesError
from client.ui.page.counting import from_drawing, to_drawing

DRAWN = [
    {"kind": "line", "name": "door", "points": [[0.25, 0.5], [0.75, 0.5]]},
    {"kind": "zone", "name": "hall", "points": [[0, 0], [0.5, 0], [0.5, 0.5]]},
]


def test_there_and_back() -> None:
    places = from_drawing(DRAWN, 640, 480)
    assert places.lines[0].points == ((160, 240), (480, 240))
    assert places.zones[0].points == ((0, 0), (320, 0), (320, 240))
    assert to_drawing(places) == DRAWN


def test_nothing_drawn() -> None:
    assert to_drawing(from_drawing([], 640, 480)) == []


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"kind": "line", "name": "a", "points": [[0.5, 0.5], [0.5, 0.5]]}, "are the same"),
        ({"kind": "zone", "name": "a", "points": [[0, 0], [1, 1], [1, 0], [0, 1]]}, "cross"),
        ({"kind": "line", "name": "", "points": [[0, 0], [1, 1]]}, "name"),
    ],
)
def test_where_nobody_can_be_counted(place: dict[str, object], message: str) -> None:
    with pytest.raises(PlacesError, match=message):
        from_drawing([place], 640, 480)
