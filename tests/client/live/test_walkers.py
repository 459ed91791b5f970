"""People before a camera, frame by frame: the same as in the finished result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.analysis.counting import CountConfig, count
from client.analysis.places import Places
from client.live.walkers import Happening, Moment, Walkers
from mot.detections import Tracks
from mot.geometry import xywh_to_xyxy
from mot.sequence import MotRows
from tests.client.analysis.walks import Foot, walks, way, without

RATE = 10.0
PLACES = Places.parse(
    {
        "width": 1000,
        "height": 1000,
        "lines": [
            {"name": "gate", "points": [[300, 500], [700, 500]]},
            {"name": "bend", "points": [[200, 200], [500, 700], [800, 200]]},
        ],
        "zones": [{"name": "hall", "points": [[400, 400], [800, 400], [800, 800], [400, 800]]}],
    }
)


def moment(frame: int) -> Moment:
    return Moment(index=frame, seconds=(frame - 1) / RATE, wall=1e9 + (frame - 1) / RATE)


def watched(rows: MotRows, *, frames: Sequence[int] | None = None, max_gap: int = 5) -> list[Happening]:
    """What is told of a result that comes frame by frame, or only these of its frames."""
    walkers = Walkers(PLACES, left_after=(max_gap + 1.5) / RATE, hysteresis=0.1)
    told = []
    last = int(rows.frames.max(initial=0)) + max_gap + 2
    for frame in frames or range(1, last + 1):
        here = rows[rows.frames == frame]
        here = here[np.argsort(here.ids)]
        boxes = xywh_to_xyxy(here.boxes)
        tracks = Tracks(ids=here.ids, boxes=boxes, scores=here.scores, detections=here.ids)  # type: ignore[arg-type]
        told += walkers.update(moment(frame), tracks)
    return told


def texts(told: list[Happening]) -> list[str]:
    """``FRAME id KIND PLACE`` each."""
    return [f"{one.moment.index} {one.person} {one.kind} {one.place} {one.direction}".strip() for one in told]


def test_nobody_does_nothing() -> None:
    assert watched(walks({})) == []


def test_who_walks_over_a_line_appears_crosses_enters_exits_and_leaves() -> None:
    told = watched(walks({7: way((450, 150), (450, 900), speed=25)}))
    assert [text.split(maxsplit=1)[1] for text in texts(told)] == [
        "7 appeared",
        "7 entered hall",
        "7 crossed gate in",
        "7 crossed bend in",
        "7 exited hall",
        "7 left",
    ]
    assert next(one.at for one in told if one.place == "gate") == pytest.approx((450, 500))
    assert told[-1].moment.index == 31, "where they were last seen"


def test_standing_and_trembling_on_the_line_is_no_crossing() -> None:
    feet: list[Foot] = [(500, 500 + 8 * (-1) ** n) for n in range(50)]
    assert not [one for one in watched(walks({1: feet})) if one.place == "gate"]


def test_who_appears_and_vanishes_inside_has_not_come_by_the_border() -> None:
    told = [one for one in watched(walks({1: [(600, 600)] * 5})) if one.place == "hall"]
    assert [(one.kind, one.by_border) for one in told] == [("entered", False), ("exited", False)]


def test_who_comes_back_appears_again() -> None:
    hidden = range(10, 30)
    told = watched(walks({1: without([(100, 100)] * 40, hidden)}))
    assert [(one.kind, one.again) for one in told] == [
        ("appeared", False),
        ("left", False),
        ("appeared", True),
        ("left", False),
    ]


def test_a_crossing_in_frames_that_were_dropped_is_seen_and_timed_between() -> None:
    rows = walks({1: way((500, 300), (500, 700), speed=10)})
    frames = [n for n in range(1, 60) if not 17 <= n <= 20]  # the line is passed in frame 21 of 41
    (told,) = [one for one in watched(rows, frames=frames) if one.place == "gate"]
    assert (told.moment.index, told.moment.seconds) == (21, pytest.approx(2.0))


def test_what_is_kept_does_not_grow_with_those_who_have_left() -> None:
    walkers = Walkers(PLACES, left_after=0.5, hysteresis=0.1)
    sizes = []
    for frame in range(1, 20_001, 50):
        one = Tracks(
            ids=np.array([frame]),
            boxes=np.array([[0, 0, 10, 30]], np.float32),
            scores=np.ones(1, np.float32),
            detections=np.zeros(1, np.int64),
        )
        walkers.update(moment(frame), one)
        sizes.append(len(walkers._here) + len(walkers._gone))
    assert max(sizes[200:]) <= max(sizes[:200])


_FOOT = st.tuples(st.floats(100, 900), st.floats(100, 900))


@settings(max_examples=25)
@given(
    st.dictionaries(st.integers(1, 5), st.lists(_FOOT, min_size=2, max_size=6), min_size=1, max_size=4),
    st.sets(st.integers(1, 120), max_size=60),
    st.sampled_from([15.0, 60.0, 300.0]),
)
def test_the_same_is_told_as_is_counted_in_the_whole_result(
    people: dict[int, list[Foot]], hidden: set[int], speed: float
) -> None:
    rows = walks({id: without(way(*corners, speed=speed), hidden) for id, corners in people.items()})
    counts = count(rows, PLACES, frame_rate=RATE, config=CountConfig(max_gap=5))
    expected = [
        (int(frame), int(id), "in" if direction > 0 else "out", each.line.name)
        for each in counts.lines
        for frame, id, direction in zip(
            each.crossings.frames, each.crossings.ids, each.crossings.directions, strict=True
        )
    ]
    told = watched(rows)
    crossed = [(one.moment.index, one.person, one.direction, one.place) for one in told if one.kind == "crossed"]
    assert sorted(crossed) == sorted(expected)
    (hall,) = counts.zones
    entered = [(one.moment.index, one.person, one.by_border) for one in told if one.kind == "entered"]
    stays = zip(hall.visits.first.tolist(), hall.visits.ids.tolist(), hall.visits.entered.tolist(), strict=True)
    assert sorted(entered) == sorted(stays)
    assert sum(one.kind == "exited" for one in told) == len(entered), "everybody has left by the end"
