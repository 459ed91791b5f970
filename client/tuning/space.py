"""Which settings of a tracker are searched, and between which values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from client.tracking import TrackerConfig, TrackerError
from client.tracking.setting import Setting, settings_of

Value = float | int | bool

_LEFT = ("min_box_area", "max_aspect", "gate", "camera_memory")  # what may be shown, and constants of the filter
_STRETCH = 4  # a setting without an upper bound is tried up to so many times its default


@dataclass(frozen=True, kw_only=True)
class Range:
    """Values of one setting that are tried; both ends belong to them."""

    name: str
    low: float
    high: float
    whole: bool  # whole numbers only
    switch: bool = False  # false and true

    def points(self, count: int) -> list[Value]:
        """About ``count`` values from one end to the other, evenly spaced."""
        if self.switch:
            return [False, True]
        if self.whole:
            steps = min(count - 1, int(self.high - self.low))
            return [round(self.low + (self.high - self.low) * i / max(steps, 1)) for i in range(steps + 1)]
        return [shortened(self.low + (self.high - self.low) * i / (count - 1)) for i in range(count)]


def shortened(value: float) -> float:
    """Three digits, which is more than a setting is worth."""
    return float(f"{value:.3g}")


def with_values(base: TrackerConfig, values: Mapping[str, Value]) -> TrackerConfig:
    """The settings with some of them changed.

    Raises:
        TrackerError: a setting cannot have its value.
    """
    changes: dict[str, Any] = dict(values)
    return replace(base, **changes)


def ranges_of(base: TrackerConfig, chosen: Iterable[str] = ()) -> list[Range]:
    """Ranges to search, by the bounds that stand beside each setting.

    Without a choice these are those with a lower and an upper bound, and of the others those whose default is above
    0, up to four times that. What is off by default (none) stays off, and few others are left alone unless chosen.

    Args:
        chosen: names, or ``NAME=LOW..HIGH``.

    Raises:
        TrackerError: there is no such setting, or it cannot have these values.
    """
    settings = {one.name: one for one in settings_of(type(base))}
    wanted = list(chosen)
    if not wanted:
        usual = (_usual(one, base) for one in settings.values() if one.name not in _LEFT)
        return [found for found in usual if found is not None]
    ranges = []
    for text in wanted:
        name, separator, limits = text.partition("=")
        if name not in settings:
            raise TrackerError(f"there is no setting {name!r}; choose among {', '.join(settings)}")
        found = _between(settings[name], limits) if separator else _usual(settings[name], base)
        if found is None:
            raise TrackerError(f"{name} has no upper bound; give a range: {name}=LOW..HIGH")
        ranges.append(found)
    return ranges


def _usual(setting: Setting, base: TrackerConfig) -> Range | None:
    default = getattr(base, setting.name)
    if setting.kind is bool:
        return Range(name=setting.name, low=0, high=1, whole=True, switch=True)
    if default is None or (math.isinf(setting.most) and not default):
        return None
    high = _STRETCH * float(default) if math.isinf(setting.most) else setting.most
    return Range(name=setting.name, low=setting.least, high=high, whole=_is_whole(setting))


def _between(setting: Setting, limits: str) -> Range:
    low, _, high = limits.partition("..")
    try:
        ends = float(low), float(high)
    except ValueError as error:
        raise TrackerError(f"{setting.name}={limits} is no range; write {setting.name}=LOW..HIGH") from error
    for end in ends:
        setting.check(end)
    if ends[0] >= ends[1]:
        raise TrackerError(f"{setting.name}={limits} is no range: {low} is not below {high}")
    return Range(name=setting.name, low=ends[0], high=ends[1], whole=_is_whole(setting))


def _is_whole(setting: Setting) -> bool:
    return setting.whole or setting.kind is int or int in get_args(setting.kind)
