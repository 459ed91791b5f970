"""client.detection.pressure: how many calls are let through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from client.detection.pressure import Pressure
from client.detection.transport import OverloadedError, UnavailableError


def answered(pressure: Pressure, times: int) -> None:
    for _ in range(times):
        with pressure.turn():
            pass


def rejected(pressure: Pressure, error: Exception | None = None) -> None:
    with suppress(UnavailableError), pressure.turn():
        raise error or OverloadedError("full")


def test_all_are_let_through_at_first() -> None:
    pressure = Pressure(8)
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(pressure.turn())
    assert pressure.limit == 8


def test_a_full_queue_halves_them_and_leaves_one() -> None:
    pressure, limits = Pressure(8), []
    for _ in range(5):
        rejected(pressure)
        limits.append(pressure.limit)
    assert limits == [4, 2, 1, 1, 1]


def test_calls_that_were_under_way_together_halve_them_once() -> None:
    pressure = Pressure(8)
    with suppress(OverloadedError), ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(pressure.turn())
        raise OverloadedError("full")
    assert pressure.limit == 4


def test_each_round_of_answers_lets_one_more_through() -> None:
    pressure = Pressure(4)
    rejected(pressure)
    rejected(pressure)
    limits = []
    for _ in range(8):
        answered(pressure, pressure.limit)
        limits.append(pressure.limit)
    assert limits[0] == 2
    assert limits == sorted(limits)
    assert limits[-1] == 4


def test_a_server_that_is_away_is_another_matter() -> None:
    pressure = Pressure(8)
    rejected(pressure, UnavailableError("connection refused"))
    assert pressure.limit == 8


def test_those_beyond_the_limit_wait() -> None:
    pressure = Pressure(2)
    rejected(pressure)
    with ThreadPoolExecutor(1) as other:
        with pressure.turn():
            second = other.submit(answered, pressure, 1)
            with pytest.raises(TimeoutError):
                second.result(0.2)
        second.result(10)


def test_closing_ends_the_waiting() -> None:
    pressure = Pressure(1)
    with ThreadPoolExecutor(1) as other, pressure.turn():
        second = other.submit(answered, pressure, 1)
        with pytest.raises(TimeoutError):
            second.result(0.1)
        pressure.close()
        with pytest.raises(UnavailableError, match="closed"):
            second.result(10)
