"""lines.json: what is read, and what is refused with which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from client.analysis.places import Line, Places, PlacesError, read_places, write_places

DOOR = {"name": "door", "points": [[100, 500], [700, 520]]}
HALL = {"name": "hall", "points": [[0, 600], [900, 600], [900, 1080]]}


def document(**values: Any) -> dict[str, Any]:
    return {"width": 1920, "height": 1080, **values}


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(PlacesError) as error:
        Places.parse(values, "lines.json")
    return str(error.value)


def test_a_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    places = Places.parse(document(lines=[DOOR | {"in": "enter", "out": "leave"}], zones=[HALL]))
    write_places(tmp_path / "lines.json", places)
    assert read_places(tmp_path / "lines.json") == places
    assert json.loads((tmp_path / "lines.json").read_text())["lines"][0]["in"] == "enter"


def test_labels_are_in_and_out_by_default() -> None:
    line = Line.model_validate(DOOR)
    assert (line.label_in, line.label_out) == ("in", "out")


def test_neither_lines_nor_zones_is_a_place_where_nothing_is_counted() -> None:
    places = Places.parse(document())
    assert places.lines == () and places.zones == ()


def test_scaled_to_a_larger_video() -> None:
    places = Places.parse(document(lines=[DOOR], zones=[HALL])).scaled(3840, 2160)
    assert places.lines[0].points == ((200, 1000), (1400, 1040))
    assert places.zones[0].points[2] == (1800, 2160)
    assert (places.width, places.height) == (3840, 2160)


def test_a_preview_may_be_rounded_but_not_of_another_shape() -> None:
    places = Places.parse({"width": 640, "height": 361, "lines": [{"name": "a", "points": [[0, 0], [9, 9]]}]})
    assert places.scaled(1920, 1080).width == 1920
    with pytest.raises(PlacesError, match="drawn on a picture of 640x361 pixels, but the video has 720x576"):
        places.scaled(720, 576)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (document(line=[DOOR]), "lines.json: line is [{'name': 'door', "),
        (document(lines=[DOOR | {"colour": "red"}]), "lines.1.colour is 'red': there is no such key"),
        ({"height": 1080}, "width: Field required"),
        (document(width=0), "width is 0: Input should be greater than or equal to 1"),
        (document(lines=[{"name": "door", "points": [[1, 2]]}]), "lines.1.points"),
        (document(lines=[{"name": "door", "points": [[1, 2]]}]), "a line needs two points, this has 1"),
        (document(lines=[{"name": "door", "points": [[1, 2], [1, 2]]}]), "point 1 and the next are the same"),
        (document(lines=[{"name": "", "points": [[1, 2], [3, 4]]}]), "lines.1.name is ''"),
        (document(lines=[{"name": "a", "points": [[1, 2, 3], [3, 4]]}]), "lines.1.points.1"),
        (document(lines=[{"name": "a", "points": [[1, "x"], [3, 4]]}]), "lines.1.points.1.2 is 'x'"),
        (document(lines=[{"name": "a", "points": [[1, float("nan")], [3, 4]]}]), "lines.1.points.1.2 is nan"),
        (
            document(zones=[{"name": "z", "points": [[1, 2], [30, 40]]}]),
            "needs three corners, this has 2; for two, draw",
        ),
        (document(zones=[{"name": "z", "points": [[1, 1], [5, 5], [9, 9]]}]), "lie on one line; give it an area"),
        (document(zones=[{"name": "z", "points": [[0, 0], [9, 0], [4, 0], [4, 9]]}]), "its sides 1 and 3 cross"),
        (document(zones=[{"name": "z", "points": [[0, 0], [9, 9], [9, 0], [0, 9]]}]), "its sides 1 and 3 cross"),
        (document(lines=[DOOR, DOOR]), "the name 'door' is given 2 times"),
        (document(lines=[DOOR], zones=[HALL | {"name": "door"}]), "the name 'door' is given 2 times"),
        (
            document(lines=[{"name": "a", "points": [[2000, 5], [2100, 9]]}]),
            "'a' lies outside of the picture of 1920x1080",
        ),
    ],
)
def test_refused_with_key_value_and_remedy(values: dict[str, Any], words: str) -> None:
    assert words in refusal(values)


def test_a_zone_closed_by_hand_is_the_same_zone() -> None:
    closed = HALL | {"points": [*HALL["points"], HALL["points"][0]]}
    assert Places.parse(document(zones=[closed])) == Places.parse(document(zones=[HALL]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; expected lines and zones, such as {"),
        ("  \n", "is empty"),
        ("{", "Invalid JSON"),
        ("[]", "object"),
    ],
)
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "lines.json"
    path.write_text(text)
    with pytest.raises(PlacesError, match=r"lines\.json") as error:
        read_places(path)
    assert words in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlacesError, match=r"none\.json: cannot be read: No such file"):
        read_places(tmp_path / "none.json")


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "lines.json"
    path.write_text(json.dumps(document(lines=[DOOR])), encoding="utf-8-sig")
    assert read_places(path).lines[0].name == "door"
