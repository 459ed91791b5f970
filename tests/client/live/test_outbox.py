"""Events that wait for a target that is slow, away, or wants none."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

import pytest

from client.live.event import Event as Told
from client.live.outbox import DeliveryError, Outbox


def event(number: int) -> Told:
    return Told(camera="door", kind="appeared", time=0.0, key=str(number), details={})


class Scripted:
    """A target that fails as it is told, then takes everything."""

    name = "scripted"

    def __init__(self, *failures: DeliveryError, open: bool = True) -> None:
        self.failures = list(failures)
        self.gate = Event()
        self.tried = Event()
        self.closed = False
        self.got: list[str] = []
        if open:
            self.gate.set()

    def deliver(self, events: Sequence[Told]) -> None:
        self.tried.set()
        if not self.gate.wait(30):
            raise DeliveryError("the test has forgotten this one")
        if self.failures:
            raise self.failures.pop(0)
        self.got += [one.key for one in events]

    def close(self) -> None:
        self.closed = True


def test_all_arrive_in_order() -> None:
    target = Scripted()
    outbox = Outbox(target, 1000)
    for number in range(500):
        outbox.put(event(number))
    assert outbox.close(30) == 0
    assert target.got == [str(number) for number in range(500)]
    assert (outbox.sent, outbox.dropped, target.closed) == (500, 0, True)


def test_one_that_is_away_gets_them_later_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    target = Scripted(*[DeliveryError("nobody answers") for _ in range(3)])
    outbox = Outbox(target, 10, first_pause=0.01)
    for number in range(3):
        outbox.put(event(number))
    assert outbox.close(30) == 0
    assert target.got == ["0", "1", "2"]
    assert [record.message for record in caplog.records] == [
        "scripted: events do not arrive: nobody answers; they wait, and are tried again",
        "scripted: events arrive again",
    ]


def test_one_that_hangs_holds_nobody_up_and_the_oldest_go(caplog: pytest.LogCaptureFixture) -> None:
    target = Scripted(open=False)
    outbox = Outbox(target, 10)
    outbox.put(event(0))
    assert target.tried.wait(30)
    for number in range(1, 100):
        outbox.put(event(number))  # would never end if it waited
    assert (outbox.waiting, outbox.dropped) == (10, 90)
    assert "more events wait than may, 10" in caplog.text
    target.gate.set()
    assert outbox.close(30) == 90
    assert target.got[-10:] == [str(number) for number in range(90, 100)]


def test_what_is_refused_for_good_holds_up_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    target = Scripted(DeliveryError("400", again=False), open=False)
    outbox = Outbox(target, 10)
    outbox.put(event(0))
    assert target.tried.wait(30)
    outbox.put(event(1))
    target.gate.set()
    assert outbox.close(30) == 1
    assert (target.got, outbox.refused) == (["1"], 1)
    assert "1 events are refused: 400" in caplog.text


def test_what_does_not_arrive_before_the_end_is_counted() -> None:
    outbox = Outbox(Scripted(*[DeliveryError("away") for _ in range(100_000)]), 10, first_pause=0.01)
    for number in range(5):
        outbox.put(event(number))
    assert outbox.close(0.1) == 5
