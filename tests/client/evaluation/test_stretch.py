"""client.evaluation.stretch: where one result fails and another does not."""

from __future__ import annotations

import numpy as np

from client.evaluation.mistakes import Mistakes
from client.evaluation.stretch import Stretch, find_stretches

Events = list[tuple[int, int]]


def mistakes(
    missed: Events | None = None, switched: Events | None = None, false: list[int] | None = None, last: int = 100
) -> Mistakes:
    return Mistakes(
        first=1,
        last=last,
        missed=np.array(missed or [], np.int64).reshape(-1, 2),
        switched=np.array(switched or [], np.int64).reshape(-1, 2),
        false=np.array(false or [], np.int64),
    )


NONE = mistakes()


def test_nothing_broke_where_both_fail_alike() -> None:
    same = mistakes(missed=[(3, 1), (4, 1)], switched=[(9, 2)], false=[5, 5])
    assert find_stretches("A", same, same, 10) == []
    assert find_stretches("A", NONE, same, 10) == []
    assert find_stretches("A", NONE, NONE, 10) == []


def test_people_are_compared_one_by_one_and_false_boxes_by_number() -> None:
    ours = mistakes(missed=[(10, 1), (10, 2)], false=[10, 10, 10, 50])
    theirs = mistakes(missed=[(10, 1), (10, 3)], false=[10, 50, 50])
    assert find_stretches("A", ours, theirs, 10) == [
        Stretch(sequence="A", first=10, last=10, missed=1, false=2, switched=0, people=(2,))
    ]
    back = find_stretches("A", theirs, ours, 10)
    assert [(one.first, one.missed, one.false, one.people) for one in back] == [(10, 1, 0, (3,)), (50, 0, 1, ())]


def test_bursts_are_apart_and_the_worst_is_first() -> None:
    missed = [(frame, 4) for frame in (20, 21, 22)] + [(frame, 7) for frame in (60, 61, 62, 64, 65)]
    ours = mistakes(missed=missed, switched=[(66, 8)])
    found = find_stretches("A", ours, NONE, 10)
    assert [(one.first, one.last, one.mistakes, one.people) for one in found] == [
        (60, 66, 6, (7, 8)),
        (20, 22, 3, (4,)),
    ]
    assert find_stretches("A", ours, NONE, 1) == found[:1]


def test_what_is_constant_is_one_long_stretch() -> None:
    found = find_stretches("A", mistakes(missed=[(frame, 1) for frame in range(1, 101)]), NONE, 10)
    assert [(one.first, one.last, one.missed) for one in found] == [(1, 100, 100)]


def test_a_burst_stands_out_of_constant_trouble() -> None:
    constant = [(frame, 1) for frame in range(1, 101)]
    burst = [(frame, person) for frame in range(40, 45) for person in range(2, 8)]
    found = find_stretches("A", mistakes(missed=constant + burst), NONE, 10)
    assert [(one.first, one.last, one.missed) for one in found] == [(45, 100, 56), (1, 39, 39), (40, 44, 35)]


def test_what_goes_on_is_not_hidden_by_one_worse_frame() -> None:
    ours = mistakes(missed=[(frame, 1) for frame in range(1, 101)], false=[40])
    found = find_stretches("A", ours, NONE, 10)
    assert [(one.first, one.last, one.mistakes) for one in found] == [(41, 100, 60), (1, 39, 39), (40, 40, 2)]


def test_each_frame_is_in_one_stretch() -> None:
    rng = np.random.default_rng(0)
    ours = mistakes(missed=[(int(frame), i) for i, frame in enumerate(rng.integers(1, 101, 80))])
    found = find_stretches("A", ours, NONE, 100)
    frames = [frame for one in found for frame in range(one.first, one.last + 1)]
    assert len(frames) == len(set(frames))
    assert [one.mistakes for one in found] == sorted((one.mistakes for one in found), reverse=True)


def test_results_may_end_apart() -> None:
    found = find_stretches("A", mistakes(false=[99]), mistakes(false=[2], last=30), 10)
    assert [(one.first, one.last, one.false) for one in found] == [(99, 99, 1)]
    assert find_stretches("A", mistakes(last=30), mistakes(false=[99]), 10) == []
