"""Visits to zones by hand-made walks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from client.analysis.footsteps import footsteps
from client.analysis.visits import Visits, moves, visits
from tests.client.analysis.walks import Foot, walks, way, without

SQUARE = [(100.0, 100.0), (300.0, 100.0), (300.0, 300.0), (100.0, 300.0)]


def visited(
    people: Mapping[int, Sequence[Foot] | Mapping[int, Foot]],
    zone: list[Foot] = SQUARE,
    *,
    max_gap: int = 60,
    hysteresis: float = 0.1,
) -> Visits:
    return visits(footsteps(walks(people), max_gap), np.array(zone, np.float64), hysteresis)


def spans(found: Visits) -> list[tuple[int, int, int]]:
    """Ids, first and last frames."""
    return list(zip(found.ids.tolist(), found.first.tolist(), found.last.tolist(), strict=True))


def test_walking_through_is_one_visit_with_both_ends_at_the_border() -> None:
    found = visited({5: way((0, 200), (400, 200))})
    # Clearly in beyond x = 110, clearly out beyond 310: frame n is at x = 10 (n - 1).
    assert spans(found) == [(5, 13, 32)]
    assert found.entered.tolist() == [True] and found.left.tolist() == [True]
    assert found.lengths.tolist() == [20]


def test_trembling_on_the_border_is_one_visit() -> None:
    trembling = [(100.0 + (8 if step % 2 else -8), 200.0) for step in range(40)]
    found = visited(
        {1: [*way((0, 200), (90, 200)), *trembling, *way((110, 200), (200, 200)), *trembling, (0.0, 200.0)]}
    )
    assert len(found) == 1 and found.entered.all() and found.left.all()


def test_somebody_who_appears_and_vanishes_inside_neither_enters_nor_leaves() -> None:
    found = visited({1: way((150, 150), (250, 250))})
    assert len(found) == 1 and not found.entered.any() and not found.left.any()


def test_standing_on_the_border_from_the_first_frame_on_is_where_the_border_says() -> None:
    rng = np.random.default_rng(1)
    xs = rng.normal(0, 3, 200)
    inside = visited({1: [(101.0, 200.0), *((100.0 + float(x), 200.0) for x in xs)]})
    outside = visited({1: [(99.0, 200.0), *((100.0 + float(x), 200.0) for x in xs)]})
    assert len(inside) == 1 and inside.lengths.tolist() == [201]
    assert len(outside) == 0


def test_a_gap_inside_is_part_of_the_visit_and_a_long_one_ends_it() -> None:
    feet = without(way((0, 200), (400, 200)), range(16, 26))
    assert spans(visited({1: feet}, max_gap=10)) == [(1, 13, 32)]
    broken = visited({1: feet}, max_gap=9)
    assert spans(broken) == [(1, 13, 15), (1, 26, 32)]
    assert broken.entered.tolist() == [True, False] and broken.left.tolist() == [False, True]


def test_neighbours_in_the_table_do_not_share_a_visit() -> None:
    assert spans(visited({1: [(200.0, 200.0)] * 3, 2: [(200.0, 200.0)] * 4})) == [(1, 1, 3), (2, 1, 4)]


@pytest.mark.parametrize("people", [{}, {1: [(200.0, 200.0)]}, {1: [(0.0, 0.0)]}])
def test_hardly_any_rows(people: dict[int, list[Foot]]) -> None:
    assert len(visited(people)) == (people == {1: [(200.0, 200.0)]})


def test_a_zone_smaller_than_the_margin_can_be_visited() -> None:
    small = [(190.0, 190.0), (206.0, 190.0), (206.0, 206.0), (190.0, 206.0)]
    assert len(visited({1: way((150, 198), (250, 198), speed=1)}, small)) == 1


def test_a_zone_that_is_not_convex_is_open_where_it_is_open() -> None:
    u = [(100.0, 100.0), (150.0, 100.0), (150.0, 250.0), (250.0, 250.0), (250.0, 100.0), (300.0, 100.0)]
    u += [(300.0, 300.0), (100.0, 300.0)]
    assert len(visited({1: way((200, 50), (200, 200))}, u)) == 0, "between the arms"
    assert len(visited({1: way((50, 150), (350, 150))}, u)) == 2, "through both arms"


def test_inside_agrees_with_opencv_far_from_the_border() -> None:
    import cv2

    zone = [(50.0, 60.0), (320.0, 10.0), (300.0, 200.0), (180.0, 120.0), (90.0, 340.0)]
    points = np.random.default_rng(4).uniform(0, 400, (400, 2))
    people = {id: [tuple(point)] for id, point in enumerate(points.tolist(), start=1)}
    inside = set(visited(people, zone).ids.tolist())
    shape = np.array(zone, np.float32)
    expected = {id for id, [foot] in people.items() if cv2.pointPolygonTest(shape, foot, False) > 0}
    assert inside == expected


def test_occupancy_is_who_is_inside_in_each_frame() -> None:
    people = {1: [(200.0, 200.0)] * 3, 2: {2: (200.0, 200.0), 3: (210.0, 200.0)}, 3: {5: (250.0, 250.0)}}
    assert visited(people).occupancy(6).tolist() == [1, 2, 2, 0, 1, 0]
    assert visited({}).occupancy(0).tolist() == []


def test_dwell_per_person_adds_visits() -> None:
    there_and_back = way((200, 200), (400, 200), (200, 200))
    ids, frames = visited({1: there_and_back, 2: [(200.0, 200.0)] * 5}).per_person()
    assert ids.tolist() == [1, 2]
    assert frames.tolist() == [12 + 9, 5], "to x = 310, and from x = 280 on"


def test_moves_from_zone_to_zone() -> None:
    west, east = SQUARE, [(500.0, 100.0), (700.0, 100.0), (700.0, 300.0), (500.0, 300.0)]
    people = {
        1: way((200, 200), (600, 200)),  # west, east
        2: way((600, 200), (200, 200), (600, 200)),  # east, west, east
        3: way((600, 200), (600, 290)),  # east alone
        4: way((200, 200), (400, 200), (200, 200)),  # west, and west again
    }
    zones = [visited(people, zone) for zone in (west, east)]
    journeys, each = moves(zones)
    assert journeys.tolist() == [[1, 1], [0, 1]], "by the first zone and the last"
    assert each.tolist() == [[1, 2], [1, 0]]


def test_moves_without_zones_or_people() -> None:
    assert [matrix.shape for matrix in moves([])] == [(0, 0), (0, 0)]
    assert moves([visited({}), visited({})])[0].tolist() == [[0, 0], [0, 0]]
