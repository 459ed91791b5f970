"""CSV and JSON: what stands in them, and names that could do harm."""

from __future__ import annotations

import csv
import json

import pytest

from client.analysis.counting import CountConfig, Counts, count
from client.analysis.export import counts_csv, counts_json, events_csv, tracks_csv
from client.analysis.places import Places
from client.analysis.track_table import track_table
from tests.client.analysis.walks import walks, way

ROWS = walks({1: way((200, 245), (200, 355)), 2: dict(enumerate(way((150, 355), (150, 245)), start=30))})


@pytest.fixture
def counts() -> dict[str, Counts]:
    return {"street": counted("door")}


def counted(name: str) -> Counts:
    zone = {"name": "hall", "points": [[100, 300], [300, 300], [300, 450], [100, 450]]}
    line = {"name": name, "points": [[100, 300], [300, 300]]}
    places = Places.parse({"width": 640, "height": 480, "lines": [line], "zones": [zone]})
    return count(ROWS, places, frame_rate=10, config=CountConfig(interval=2))


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_csv_has_a_row_a_number(counts: dict[str, Counts]) -> None:
    rows = table(counts_csv(counts))
    door = [(row["measure"], row["from_s"], row["to_s"], row["value"]) for row in rows if row["name"] == "door"]
    assert door == [
        ("in", "0.0", "2.0", "1"),
        ("in", "2.0", "4.0", "0"),
        ("in", "4.0", "4.1", "0"),
        ("out", "0.0", "2.0", "0"),
        ("out", "2.0", "4.0", "1"),
        ("out", "4.0", "4.1", "0"),
    ]
    assert {row["result"] for row in rows} == {"street"}
    assert {row["measure"] for row in rows if row["kind"] == "picture"} == {"people_mean", "people_max"}


def test_events_say_who_when_and_where(counts: dict[str, Counts]) -> None:
    rows = [list(row.values()) for row in table(events_csv(counts))]
    assert rows == [
        ["street", "line", "door", "in", "1", "7", "0.6", "200.0", "300.0"],
        ["street", "line", "door", "out", "2", "36", "3.5", "150.0", "300.0"],
        ["street", "zone", "hall", "entered", "1", "8", "0.7", "", ""],
        ["street", "zone", "hall", "vanished", "1", "12", "1.1", "", ""],
        ["street", "zone", "hall", "appeared", "2", "30", "2.9", "", ""],
        ["street", "zone", "hall", "left", "2", "36", "3.5", "", ""],
    ]


def test_json_has_all_of_it_and_agrees_with_the_csv(counts: dict[str, Counts]) -> None:
    document = json.loads(counts_json(counts, {"street": track_table(ROWS, 10)}))["results"]["street"]
    [line], [zone] = document["lines"], document["zones"]
    assert (line["in"], line["out"], line["people"]) == (1, 1, 2)
    assert line["per_interval"] == {"in": [1, 0, 0], "out": [0, 1, 0]}
    assert line["events"][0] == {"event": "in", "id": 1, "frame": 7, "time_s": 0.6, "x": 200.0, "y": 300.0}
    assert zone["visits"][0] == {
        "id": 1,
        "first_frame": 8,
        "last_frame": 12,
        "dwell_s": 0.5,
        "entered": True,
        "left": False,
    }
    assert zone["dwell_per_person_s"] == {"1": 0.5, "2": 0.7}
    assert zone["dwell_s"] == {"mean": 0.6, "median": 0.6, "max": 0.7}
    assert document["origin_destination"] == {"zones": ["hall"], "people": [[0]], "moves": [[0]]}
    assert [row["id"] for row in document["tracks"]] == [1, 2]
    assert document["frames"] == 41 and document["interval_s"] == 2


def test_tracks_have_their_result(counts: dict[str, Counts]) -> None:
    rows = table(tracks_csv({"street": track_table(ROWS, 10)}))
    assert [(row["result"], row["id"], row["first_frame"]) for row in rows] == [
        ("street", "1", "1"),
        ("street", "2", "30"),
    ]


def test_nobody_is_valid_too() -> None:
    places = Places.parse({"width": 9, "height": 9, "zones": [{"name": "z", "points": [[0, 0], [9, 0], [9, 9]]}]})
    empty = {"none": count(walks({}), places, frame_rate=10)}
    assert json.loads(counts_json(empty))["results"]["none"]["zones"][0]["dwell_s"]["mean"] is None
    assert table(counts_csv(empty)) == [] and table(events_csv(empty)) == []
    assert tracks_csv({"none": track_table(walks({}), 10)}).startswith("result,id,first_frame")


def test_a_name_that_a_spreadsheet_would_run_is_text() -> None:
    text = events_csv({"street": counted('=HYPERLINK("x", "y")')})
    assert table(text)[0]["name"] == '\'=HYPERLINK("x", "y")'
