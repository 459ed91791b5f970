"""Frames that a steady source lacks: seen by their times alone."""

from __future__ import annotations

_LONGEST = 3.0  # seconds of a gap; what is longer is a pause
_NEAR = 0.3  # of a step, by which one errs: clocks of 25 ticks a second for 10 pictures
_USUAL, _STEADY = 0.5, 0.9  # of all steps, that are the usual one, and that are whole ones
_ODD_OF_ONE, _MOSTLY = 2, 0.75  # steps that one misplaced frame makes odd, where so many of all are the usual one


class Gaps:
    """Counts the steps of a source's frames that are two, three or more of the usual ones.

    The last frame may stand alone: it is a picture that is shown for long.
    """

    def __init__(self, step: float, *, first_alone: bool = False) -> None:
        """
        Args:
            step: nominal seconds from one frame to the next.
            first_alone: the first frame may stand alone, too.
        """
        self._step = step
        self._least = 1 + first_alone  # frames before a gap
        self._frames = self._usual = 0
        self._last = 0.0  # seconds of the last frame
        self._open: tuple[int, float] | None = None  # the last step, where it is a gap: frames before it, seconds
        self.count = 0
        self.missing = 0  # frames that would fill all gaps
        self.first: tuple[int, float] | None = None  # frames before the first one, its seconds

    def add(self, seconds: float) -> None:
        """The next frame, by its time."""
        if self._open is not None:
            self.count += 1
            self.missing += round(self._open[1] / self._step) - 1
            self.first = self.first or self._open
        step, self._last = seconds - self._last, seconds
        self._open = (self._frames, step) if self._frames >= self._least and self._is_gap(step) else None
        self._usual += self._frames > 0 and abs(step / self._step - 1) <= _NEAR
        self._frames += 1

    @property
    def are_odd(self) -> bool:
        """Whether there are any, and the source is steady otherwise."""
        steps = self._frames - 1 - (self._open is not None)  # how long the last one stands says nothing
        odd = steps - self._usual - self.count
        steady = odd <= steps - _STEADY * steps or (odd <= _ODD_OF_ONE and self._usual >= _MOSTLY * steps)
        return self.count > 0 and self._usual >= _USUAL * steps and steady

    def _is_gap(self, step: float) -> bool:
        steps = round(step / self._step)
        return steps > 1 and step <= _LONGEST and abs(step / self._step - steps) <= _NEAR
