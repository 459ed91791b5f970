"""Crossings of lines by hand-made walks, and against a plain loop over rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.analysis.crossings import Crossings, crossings
from client.analysis.footsteps import footsteps
from mot.sequence import MotRows
from tests.client.analysis.walks import Foot, walks, way, without

LINE = [(100.0, 300.0), (300.0, 300.0)]  # from left to right: in is down the picture
MARGIN = 0.1  # 10 pixels of people who are 100 tall


def crossed(
    feet: list[Foot] | dict[int, Foot], line: list[Foot] = LINE, *, hysteresis: float = MARGIN, max_gap: int = 60
) -> Crossings:
    return found(walks({7: feet}), line, hysteresis=hysteresis, max_gap=max_gap)


def found(rows: MotRows, line: list[Foot] = LINE, *, hysteresis: float = MARGIN, max_gap: int = 60) -> Crossings:
    return crossings(footsteps(rows, max_gap), np.array(line, np.float64), hysteresis)


def directions(events: Crossings) -> list[int]:
    return events.directions.tolist()


def test_down_is_in_and_up_is_out_of_a_line_from_left_to_right() -> None:
    events = crossed(way((200, 245), (200, 355), (200, 245)))
    assert directions(events) == [1, -1]
    assert events.ids.tolist() == [7, 7]
    assert events.frames.tolist() == [7, 18], "feet at 305, then at 295"
    np.testing.assert_allclose(events.points, [(200, 300), (200, 300)])


def test_the_other_way_round_in_and_out_are_swapped() -> None:
    assert directions(crossed(way((200, 245), (200, 355)), LINE[::-1])) == [-1]


def test_a_box_that_trembles_on_the_line_counts_once() -> None:
    trembling = [(200.0, 300.0 + (8 if step % 2 else -8)) for step in range(50)]
    feet = [*way((200, 250), (200, 290)), *trembling, *way((200, 310), (200, 350))]
    events = crossed(feet)
    assert directions(events) == [1]
    assert events.frames.tolist() == [5 + 50], "when the feet were behind the line for good"


def test_without_hysteresis_it_would_count_each_time() -> None:
    feet = [(200.0, 300.0 + (8 if step % 2 else -8)) for step in range(10)]
    assert directions(crossed(feet, hysteresis=0)) == [1, -1, 1, -1, 1, -1, 1, -1, 1]
    assert len(crossed(feet)) == 0


def test_standing_on_the_line_counts_nothing() -> None:
    rng = np.random.default_rng(3)
    feet = [(200.0, 300.0 + float(y)) for y in rng.normal(0, 3, 500)]
    assert len(crossed(feet)) == 0
    assert len(crossed([*way((200, 200), (200, 300)), *feet])) == 0, "coming to stand there"
    assert len(crossed([*way((200, 200), (200, 300)), *feet, *way((200, 300), (200, 200))])) == 0, "and turning back"


def test_coming_onto_the_line_and_going_on_later_counts_once() -> None:
    assert directions(
        crossed([*way((200, 200), (200, 300)), *[(200.0, 300.0)] * 99, *way((200, 300), (200, 400))])
    ) == [1]


def test_exactly_on_the_line_is_no_crossing_by_itself() -> None:
    assert len(crossed(way((200, 250), (200, 300), (200, 250)))) == 0


def test_leaving_through_the_end_of_the_segment_counts_nothing() -> None:
    along = way((200, 240), (200, 303), (340, 303), (340, 380))
    assert len(crossed(along)) == 0, "onto the line, along it, past its end, and only there behind it"


def test_walking_round_the_end_counts_nothing() -> None:
    assert len(crossed(way((280, 250), (340, 250), (340, 350), (280, 350)))) == 0


def test_crossing_beyond_the_ends_counts_nothing() -> None:
    for x in (95.0, 305.0, -400.0, 900.0):
        assert len(crossed(way((x, 200), (x, 400)))) == 0, x


def test_crossing_aslant_near_an_end_counts() -> None:
    assert directions(crossed(way((202, 200), (332, 330), speed=3))) == [], "through (302, 300)"
    assert directions(crossed(way((190, 200), (320, 330), speed=3))) == [1], "through (290, 300)"


def test_ids_that_appear_beyond_the_line_count_nothing() -> None:
    assert len(crossed(way((200, 320), (200, 400)))) == 0
    assert len(crossed(way((200, 302), (200, 400)))) == 0, "nor those that appear just behind it"
    assert len(crossed(way((200, 297), (200, 400)))) == 0, "nor on it"


def test_one_person_under_two_ids_is_not_counted_twice() -> None:
    first, second = way((200, 200), (200, 400)), way((200, 400), (200, 500))
    events = found(walks({1: first, 2: dict(enumerate(second, start=21))}))
    assert events.ids.tolist() == [1]


def test_an_id_that_ends_before_the_line_and_one_that_begins_behind_it_do_not_add_up() -> None:
    """Ids 1 and 2 are neighbours in the table."""
    assert len(found(walks({1: way((200, 200), (200, 280)), 2: way((200, 320), (200, 400))}))) == 0


def test_a_gap_is_crossed_on_a_straight_line() -> None:
    feet = without(way((200, 205), (200, 405)), range(6, 17))
    events = crossed(feet)
    assert directions(events) == [1] and events.frames.tolist() == [11], "at 305 by interpolation"
    np.testing.assert_allclose(events.points, [(200, 300)])


def test_a_long_gap_counts_nothing() -> None:
    feet = without(way((200, 205), (200, 405)), range(6, 17))
    assert directions(crossed(feet, max_gap=11)) == [1]
    assert directions(crossed(feet, max_gap=10)) == []


def test_a_gap_that_leads_past_the_end_counts_nothing() -> None:
    assert len(crossed({1: (320.0, 250.0), 30: (320.0, 350.0)})) == 0


def test_a_jump_over_the_line_within_one_frame_counts() -> None:
    assert directions(crossed([(150.0, 100.0), (250.0, 500.0)])) == [1]


def test_the_margin_is_in_heights_of_the_person() -> None:
    feet = way((200, 260), (200, 315), speed=5)
    assert directions(found(walks({1: feet}, tall=100))) == [1]
    assert directions(found(walks({1: feet}, tall=200))) == [], "15 pixels behind it are less than 20"


def test_both_directions_of_several_people_come_by_time() -> None:
    down, up = way((200, 250), (200, 350)), way((150, 360), (150, 250))
    events = found(walks({3: down, 1: up, 2: dict(enumerate(down, start=30))}))
    assert events.ids.tolist() == [3, 1, 2]
    assert directions(events) == [1, -1, 1]


BENT = [(100.0, 300.0), (200.0, 300.0), (200.0, 200.0), (300.0, 200.0)]


@pytest.mark.parametrize("x", [150.0, 250.0])
def test_each_segment_of_a_bent_line_counts(x: float) -> None:
    assert directions(crossed(way((x, 100), (x, 400)), BENT)) == [1]


def test_the_middle_segment_of_a_bent_line_goes_up_so_that_in_is_to_the_right() -> None:
    assert directions(crossed(way((150, 250), (250, 250)), BENT)) == [1]


@pytest.mark.parametrize("joint", [1, 2])
def test_through_a_joint_is_one_crossing(joint: int) -> None:
    x, y = BENT[joint]
    assert directions(crossed(way((x - 60, y - 60), (x + 60, y + 60)), BENT)) == [1]
    assert directions(crossed(way((x + 60, y + 60), (x - 60, y - 60)), BENT)) == [-1]


def test_through_the_joint_of_a_straight_line_is_one_crossing() -> None:
    assert directions(crossed(way((200, 200), (200, 400)), [(100, 300), (200, 300), (300, 300)])) == [1]


def test_a_sharp_corner_knows_its_sides() -> None:
    """Around the point of a V, the nearest point of both segments is the joint."""
    v = [(100.0, 100.0), (200.0, 300.0), (300.0, 100.0)]
    assert len(crossed(way((140, 320), (260, 320)), v)) == 0, "below the point, from side to side"
    assert len(crossed(way((200, 150), (200, 360)), v)) == 1, "out through the point"
    assert len(crossed(way((40, 150), (360, 150)), v)) == 2, "in through one side, out through the other"


@pytest.mark.parametrize("feet", [{}, {1: (200.0, 300.0)}, {1: (200.0, 250.0), 2: (200.0, 260.0)}])
def test_hardly_any_rows(feet: dict[int, Foot]) -> None:
    assert len(crossed(feet)) == 0


def test_an_upright_line_and_a_single_pixel_line() -> None:
    assert directions(crossed(way((250, 200), (350, 200)), [(300, 300), (300, 100)])) == [1], (
        "upwards: in is rightwards"
    )
    assert len(crossed(way((200, 200), (200, 400)), [(150, 300), (151, 300)])) == 0


def test_exactly_through_an_end_is_through_the_line() -> None:
    """At each of its ends, whatever the rounding of the point does."""
    for end in ((205.25, 134.25), (33.1, 77.7), (400.3, 12.9)):
        for line in ([(0.25, 0.25), end], [end, (0.25, 0.25)]):
            for down in (218.0, 31.7, 101.3):
                assert len(crossed([(end[0], end[1] + down), (end[0], end[1] - down)], line)) == 1, (line, down)


def reference(rows: MotRows, line: list[Foot], hysteresis: float) -> list[tuple[int, int, int]]:
    """Frames, ids and directions, person by person and row by row, of a straight line and rows without gaps."""
    (ax, ay), (bx, by) = line
    length = float(np.hypot(bx - ax, by - ay))
    ux, uy = (bx - ax) / length, (by - ay) / length
    events = []
    for person in sorted(set(rows.ids.tolist())):
        own = rows[rows.ids == person]
        own = own[np.argsort(own.frames)]
        side, net, passed, before = 0, 0, 0, None
        for frame, (left, top, width, height) in zip(own.frames.tolist(), own.boxes.tolist(), strict=True):
            x, y = left + width / 2 - ax, top + height - ay
            along, across = x * ux + y * uy, y * ux - x * uy
            if before is not None and (before[1] >= 0) != (across >= 0):
                at = before[0] + (along - before[0]) * before[1] / (before[1] - across)
                if -1e-9 * length < at < (1 + 1e-9) * length:
                    net, passed = net + (1 if across >= 0 else -1), frame
            before = (along, across)
            over = max(-along, along - length, 0.0)
            if abs(across) > hysteresis * height:
                now = 1 if across > 0 else -1
                if side == -now and net * now > 0:
                    events.append((passed, person, now))
                side, net = now, 0
            elif over > hysteresis * height:
                side, net = 0, 0
    return sorted(events)


@settings(max_examples=150)
@given(st.data())
def test_agrees_with_a_loop_over_rows(data: st.DataObject) -> None:
    number = st.integers(0, 400).map(lambda value: value + 0.25)
    foot = st.tuples(number, number)
    people = data.draw(st.dictionaries(st.integers(1, 4), st.lists(foot, min_size=1, max_size=25), max_size=3))
    line = data.draw(st.lists(foot, min_size=2, max_size=2, unique=True))
    rows = walks(people)
    events = found(rows, line)
    listed = list(zip(events.frames.tolist(), events.ids.tolist(), events.directions.tolist(), strict=True))
    assert sorted(listed) == reference(rows, line, MARGIN)
