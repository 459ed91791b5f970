"""client.video.clock: stamps that jump, stand alone, repeat or are missing, and pauses that are real."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from client.video.clock import Clock

STEP = 0.1
REGULAR = [n * STEP for n in range(12)]


def seconds(stamps: list[float | None], arrivals: list[float] | None = None, step: float = STEP) -> list[float]:
    """What the clock makes of the stamps; each item is its own number, and they come in order."""
    clock: Clock[int] = Clock(step, "clip")
    given = []
    for number, stamp in enumerate(stamps):
        given += clock.push(stamp, number, arrivals[number] if arrivals else None)
    given += clock.rest()
    assert [item for _, item in given] == list(range(len(stamps)))
    return [time for time, _ in given]


def test_regular_stamps_count_from_the_first(caplog: pytest.LogCaptureFixture) -> None:
    assert seconds([7.5 + time for time in REGULAR]) == pytest.approx(REGULAR)
    assert not caplog.records


def test_missing_stamps_take_the_nominal_step() -> None:
    assert seconds([None] * 4) == pytest.approx([0, 0.1, 0.2, 0.3])
    assert seconds([5.0, None, 5.2, 5.4]) == pytest.approx([0, 0.1, 0.2, 0.4])
    assert seconds([None, 5.0, 5.1]) == pytest.approx([0, 0.1, 0.2])


@pytest.mark.parametrize("pause", [0.3, 1.0, 60.0, 3600.0, 5 * 86_400.0])
def test_a_pause_is_kept(pause: float, caplog: pytest.LogCaptureFixture) -> None:
    stamps = [*REGULAR, *[1.1 + pause + n * STEP for n in range(12)]]
    assert seconds(stamps) == pytest.approx(stamps)
    assert not caplog.records


def test_several_pauses_in_a_row_are_kept() -> None:
    stamps = [0, 0.1, 0.2, 30, 60, 60.1, 100, 200, 200.1]
    assert seconds(stamps) == pytest.approx(stamps)


@pytest.mark.parametrize("back", [0.3, 1.1, 9800.0])
def test_a_jump_back_goes_on_one_step_later(back: float, caplog: pytest.LogCaptureFixture) -> None:
    stamps = [*REGULAR, *[1.1 - back + n * STEP for n in range(12)]]
    assert seconds(stamps) == pytest.approx([n * STEP for n in range(24)])
    assert caplog.text.count("jumps back") == 1
    assert f"clip: the time stamp of frame 13 jumps back by {back:g} s" in caplog.text


def test_many_jumps_back_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    assert seconds([n % 6 * STEP for n in range(36)]) == pytest.approx([n * STEP for n in range(36)])
    assert len(caplog.records) == 1


@pytest.mark.parametrize("place", [1, 5, 11, 22])
@pytest.mark.parametrize("off", [-9800.0, -1.5, 0.7, 9800.0, 1e9])
def test_a_stamp_that_stands_alone_is_ignored(place: int, off: float, caplog: pytest.LogCaptureFixture) -> None:
    stamps = [5 + n * STEP for n in range(24)]
    stamps[place] += off
    assert seconds(stamps) == pytest.approx([n * STEP for n in range(24)])
    assert caplog.text.count("jumps") == 1
    assert f"frame {place + 1} jumps" in caplog.text


def test_two_strays_side_by_side_and_one_later() -> None:
    stamps = [n * STEP for n in range(24)]
    stamps[7], stamps[8], stamps[15] = 5000, 7000, -3
    assert seconds(stamps) == pytest.approx([n * STEP for n in range(24)])


def test_strays_around_a_stamp_that_follows_by_rounding_alone() -> None:
    """Of a damaged FLV: behind the strays, the right one stands where the clock already is, but for 1e-16 s."""
    given = seconds([0.2, 0.3, 0.4, 33.268, 0.6, 1.7, 1.6, 0.7000000000000001, 0.9])
    assert (np.diff(given) > 1e-6).all()


def test_a_first_stamp_that_is_far_ahead_is_no_matter() -> None:
    assert seconds([9800.0, *REGULAR]) == pytest.approx([n * STEP for n in range(13)])


def test_stamps_beyond_all_pauses_are_another_clocks(caplog: pytest.LogCaptureFixture) -> None:
    stamps = [*REGULAR, *[1.7e9 + n * STEP for n in range(12)]]
    assert seconds(stamps) == pytest.approx([n * STEP for n in range(24)], abs=1e-6)
    assert "jumps ahead" in caplog.text


def test_a_frame_a_year_is_no_jump() -> None:
    year = 365 * 86_400.0
    assert seconds([0, year, 2 * year], step=year) == pytest.approx([0, year, 2 * year])


def test_repeated_and_swapped_stamps_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """As cameras write them: two fields of one stamp, or two frames changed over."""
    assert seconds([0, 0, 0.2, 0.2, 0.4, 0.4]) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert seconds([0, 0, 0, 0.3, 0.3, 0.3, 0.6]) == pytest.approx([n * STEP for n in range(7)])
    assert not caplog.records
    swapped = seconds([0, 0.2, 0.1, 0.3, 0.4])
    assert np.all(np.diff(swapped) > 0)
    assert swapped[-1] == pytest.approx(0.4)


def test_live_stamps_may_not_outrun_the_time_that_passes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    arrivals = [100 + n * STEP for n in range(24)]
    stamps = [n * STEP if n < 12 else 3600 + n * STEP for n in range(24)]
    assert seconds(list(stamps), arrivals) == pytest.approx([n * STEP for n in range(24)])
    assert "frame 13 jumps ahead by 3600 s" in caplog.text
    back = [n * STEP if n < 12 else n * STEP - 500 for n in range(24)]
    assert seconds(list(back), arrivals) == pytest.approx([n * STEP for n in range(24)])


def test_live_pause_that_has_passed_is_kept_and_nobody_waits() -> None:
    clock: Clock[str] = Clock(STEP, "door")
    given = [list(clock.push(time, name, 50 + time)) for time, name in ((0, "a"), (0.1, "b"), (15.0, "c"))]
    assert given == [[(0, "a")], [(0.1, "b")], [(pytest.approx(15.0), "c")]]


def test_live_pause_with_the_clock_set_back_takes_the_time_that_passed() -> None:
    times = seconds([9.0, 9.1, 0.0, 0.1], [50, 50.1, 65.1, 65.2])
    assert times == pytest.approx([0, 0.1, 15.1, 15.2])
