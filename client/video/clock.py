"""Time that always goes on: from a container's time stamps, which may jump, to seconds since the first picture."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

_LEAST = 1e-6  # seconds; stamps that differ by less do so by rounding
_REGULAR = 4.0  # nominal steps; a longer one is looked at before it is believed
_LOOK_AHEAD = 3  # items by which a stray stamp is told from a real pause
_LONGEST_PAUSE = 30 * 86_400.0  # seconds; stamps further ahead are another clock's
_AHEAD = 5.0  # seconds by which a live source's stamps may run ahead of the time that has passed here

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Waiting(Generic[T]):
    stamp: float | None
    arrival: float | None
    item: T


class Clock(Generic[T]):
    """Gives each item of one stream its seconds since the first, in order, each later than the one before.

    A pause that the stamps agree on is kept. Where a stamp runs back, or a few stand alone, far from their
    neighbours, the item follows the one before by a nominal step, and the clock goes on from there; the first time,
    a warning names the place. For that an item after an odd step waits for the next few.

    A live source is not waited for: what its stamps may not do is outrun the time that has passed here.
    """

    def __init__(self, step: float, source: str, unit: str = "frame") -> None:
        """
        Args:
            step: nominal seconds from one item to the next.
            source: the name in the warning, with ``unit`` and a number from 1.
        """
        self.first_stamp: float | None = None  # seconds on the source's own clock at which this one is 0
        self._step, self._source, self._unit = step, source, unit
        self.seconds = -step  # of the last item
        self._stamp = 0.0  # of the last item, as it should have been
        self._written: float | None = None  # as it was
        self._begun: float | None = None  # arrival of the first item
        self._arrival: float | None = None  # of the last item
        self._number = 0
        self._waiting: deque[_Waiting[T]] = deque()
        self._warned = False

    def push(self, stamp: float | None, item: T, arrival: float | None = None) -> Iterator[tuple[float, T]]:
        """Take the next item; yield those whose time is settled.

        Args:
            stamp: seconds on the source's own clock; None where it has none.
            arrival: seconds on this machine's clock, of a live source.
        """
        self._waiting.append(_Waiting(stamp=stamp, arrival=arrival, item=item))
        while self._waiting and (len(self._waiting) > _LOOK_AHEAD or not self._is_odd(self._waiting[0])):
            yield self._settle()

    def rest(self) -> Iterator[tuple[float, T]]:
        """The items that still wait, at the end of the stream."""
        while self._waiting:
            yield self._settle()

    def _is_odd(self, waiting: _Waiting[T]) -> bool:
        """Whether the items behind it must be seen first."""
        if self.first_stamp is None or waiting.stamp is None or waiting.arrival is not None:
            return False
        return not _LEAST < waiting.stamp - self._stamp <= _REGULAR * self._step

    def _settle(self) -> tuple[float, T]:
        head = self._waiting.popleft()
        self._number += 1
        if head.stamp is None:
            self._advance(self._step, self._stamp + self._step)
        elif self.first_stamp is None:
            self.first_stamp = head.stamp - (self.seconds + self._step)
            self._begun = head.arrival
            self._advance(self._step, head.stamp)
        else:
            self._follow(head.stamp, head.arrival)
        self._arrival, self._written = head.arrival, head.stamp
        return self.seconds, head.item

    def _follow(self, stamp: float, arrival: float | None) -> None:
        ahead = stamp - self._stamp
        if _LEAST < ahead <= _REGULAR * self._step:
            self._advance(ahead, stamp)
        elif arrival is not None:
            self._follow_live(ahead, stamp, arrival)
        elif (stray := self._step_past_strays(stamp)) is not None:
            self._warn(stamp, ahead)
            self._advance(stray, self._stamp + stray)
        elif _LEAST < ahead <= max(_LONGEST_PAUSE, 1000 * self._step):
            self._advance(ahead, stamp)
        else:
            self._warn(stamp, ahead)
            self._advance(self._step, stamp)

    def _follow_live(self, ahead: float, stamp: float, arrival: float) -> None:
        """Believe the stamp if so much time can have passed; else take the time that has."""
        assert self._begun is not None and self._arrival is not None
        if ahead > _LEAST and self.seconds + ahead <= arrival - self._begun + _AHEAD:
            self._advance(ahead, stamp)
            return
        self._warn(stamp, ahead)
        passed = arrival - self._arrival
        self._advance(passed if passed > _REGULAR * self._step else self._step, stamp)

    def _step_past_strays(self, stamp: float) -> float | None:
        """Seconds to the item before the clock, if it and perhaps some behind it stand alone; else None.

        They do if a later stamp is where it would be without them: near, for a jump back, and anywhere between,
        for a jump ahead.
        """
        for number, later in enumerate(self._waiting, start=2):
            if later.stamp is None:
                return None
            gone = later.stamp - self._stamp
            returned = number * _LEAST < gone < stamp - self._stamp or (
                stamp <= self._stamp and number / 2 <= gone / self._step <= number * _REGULAR
            )
            if returned:
                return min(self._step, gone / number)
        return None

    def _advance(self, seconds: float, stamp: float) -> None:
        self.seconds += seconds
        self._stamp = stamp

    def _warn(self, stamp: float, ahead: float) -> None:
        if stamp == self._written:  # several of one stamp, as some cameras write them, are no jump
            return
        if not self._warned:
            log.warning(
                "%s: the time stamp of %s %d jumps %s by %.4g s; it is taken to follow the one before, "
                "and so are further ones that jump",
                *(self._source, self._unit, self._number, "ahead" if ahead > 0 else "back", abs(ahead)),
            )
        self._warned = True
